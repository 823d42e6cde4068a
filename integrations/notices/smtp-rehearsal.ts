/** For tests: a small SMTP server on loopback (RFC 5321, STARTTLS of RFC 3207, AUTH PLAIN of RFC 4954). */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, TLSSocket } from 'node:tls';

export type Letter = {
  readonly from: string;
  readonly to: readonly string[];
  readonly data: string;
  readonly secure: boolean;
  readonly login: string | null;
};
export type Post = { readonly port: number; readonly letters: Letter[]; readonly close: () => void };

export type PostOptions = {
  readonly startTls: boolean;
  /** 'user:password'; null: nobody needs to log in. */
  readonly login: string | null;
  /** What is answered in place of the usual, by command: 'RCPT' → '550 no such user'. */
  readonly answers: ReadonlyMap<string, string>;
  /** Says nothing from this command on. '' from the start. */
  readonly silentFrom: string | null;
};

const certificate = (): { readonly key: string; readonly cert: string } => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-smtp-'));
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ];
  execFileSync('openssl', [...args, '-subj', '/CN=localhost', '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  const made = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  rmSync(folder, { recursive: true, force: true });
  return made;
};

export async function openPost(change: Partial<PostOptions> = {}): Promise<Post> {
  const options: PostOptions = {
    startTls: false,
    login: null,
    answers: new Map(),
    silentFrom: null,
    ...change,
  };
  const context = options.startTls ? createSecureContext(certificate()) : null;
  const letters: Letter[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    if (options.silentFrom !== '') converse(socket, false, true);
  });
  function converse(socket: Socket, secure: boolean, greet: boolean): void {
    let [text, from, data, login] = ['', '', '', null as string | null];
    let to: string[] = [];
    let isData = false;
    const say = (line: string): void => void socket.write(`${line}\r\n`);
    if (greet) say('220 post.example ESMTP');
    const hear = (bytes: Buffer): void => {
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        if (!isData) {
          if (!command(line)) return;
        } else if (line === '.') {
          isData = false;
          letters.push({ from, to, data, secure, login });
          say(options.answers.get('.') ?? '250 taken');
        } else data += `${line}\n`;
      }
    };
    const command = (line: string): boolean => {
      const [word = ''] = line.toUpperCase().split(' ');
      if (word === options.silentFrom) return true;
      const own = options.answers.get(word);
      if (own !== undefined) {
        say(own);
        return true;
      }
      if (word === 'EHLO') {
        const extras = [
          ...(context !== null && !secure ? ['STARTTLS'] : []),
          ...(options.login !== null ? ['AUTH PLAIN'] : []),
        ];
        for (const extra of extras) say(`250-${extra}`);
        say('250 post.example');
      } else if (word === 'STARTTLS' && context !== null) {
        say('220 go on');
        socket.off('data', hear);
        const tls = new TLSSocket(socket, { isServer: true, secureContext: context });
        tls.on('error', () => {});
        converse(tls, true, false);
        return false;
      } else if (word === 'AUTH') {
        const [, user = '', password = ''] = Buffer.from(line.split(' ')[2] ?? '', 'base64')
          .toString()
          .split('\0');
        login = `${user}:${password}`;
        say(login === options.login ? '235 welcome' : `535 ${login} is not known here`);
      } else if (word === 'MAIL') {
        if (options.login !== null && login !== options.login) say('530 log in first');
        else {
          [from, to, data] = [line.slice(10), [], ''];
          say('250 fine');
        }
      } else if (word === 'RCPT') {
        to = [...to, line.slice(8)];
        say('250 fine');
      } else if (word === 'DATA') {
        isData = true;
        say('354 go on');
      } else if (word === 'QUIT') {
        say('221 bye');
        socket.end();
      } else say('250 fine');
      return true;
    };
    socket.on('data', hear);
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    letters,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
