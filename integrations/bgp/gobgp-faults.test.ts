/**
 * A GoBGP that goes, comes back, hangs, is replaced or is none: what the speaker says of it, how soon, and that no call
 * outlasts its deadline.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, describe, test } from 'vitest';
import { type Announcement, announcementText, noCommunities } from '../../domain/announcement.js';
import { emptyRule } from '../../domain/flowspec.js';
import { hostPrefix } from '../../domain/prefix.js';
import type { Speaker, SpeakerEvent } from '../../domain/speaker.js';
import type { HostKey } from '../../domain/units.js';
import { type GobgpOptions, gobgpSpeaker } from './gobgp.js';
import {
  eventually,
  freePort,
  type Gobgpd,
  type GobgpdOptions,
  gobgpd3,
  gobgpd4,
  startGobgpd,
} from './gobgpd-process.js';

const never = new AbortController().signal;
const deadlineMs = 1_000;
/** Of calls that are to be answered, also where gobgpd waits for the processor. */
const patientMs = 5_000;

const host = (index: number): Announcement => ({
  kind: 'unicast',
  prefix: hostPrefix(`203.0.${index >> 8}.${index & 0xff}` as HostKey),
  nextHop: '192.0.2.66' as HostKey,
  communities: { ...noCommunities, standard: [[65001, 666]] },
});

type Heard = SpeakerEvent & { readonly atMs: number };
type Ear = {
  readonly speaker: Speaker;
  readonly heard: Heard[];
  readonly next: (kind: string) => Promise<Heard>;
};

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

function listenTo(change: Partial<GobgpOptions>): Ear {
  const heard: Heard[] = [];
  const options: GobgpOptions = {
    ...{
      address: '127.0.0.1',
      port: 1,
      tls: null,
      deadlineMs: patientMs,
      mark: 0x54494445,
      localPreference: null,
    },
    ...change,
  };
  const speaker = gobgpSpeaker(options)((event) => heard.push({ ...event, atMs: performance.now() }));
  cleanups.push(() => speaker.close());
  let seen = 0;
  return {
    speaker,
    heard,
    next: async (kind) => {
      const found = (): number => heard.findIndex((event, index) => index >= seen && event.kind === kind);
      assert.ok(await eventually(() => found() >= 0, 20_000), `no '${kind}' in ${JSON.stringify(heard)}`);
      seen = found() + 1;
      return heard[seen - 1] as Heard;
    },
  };
}

function gobgpdOf(binary: ReturnType<typeof gobgpd3>, options: GobgpdOptions = {}): Gobgpd {
  assert.ok(binary !== null);
  const gobgpd = startGobgpd(binary, options);
  cleanups.push(() => gobgpd.remove());
  return gobgpd;
}

const announce = (speaker: Speaker, list: readonly Announcement[], signal = never) =>
  speaker.change(
    list.map((announcement) => ({ do: 'announce', announcement })),
    signal,
  );
const codes = (results: Awaited<ReturnType<typeof announce>>): readonly string[] =>
  results.map((result) => (result.ok ? 'ok' : result.error.code));
const ours = async (speaker: Speaker): Promise<readonly string[]> => {
  const listed = await speaker.list(new Set(), never);
  assert.ok(listed.ok && listed.value !== null, JSON.stringify(listed));
  return listed.value.ours.map(announcementText).sort();
};
const late = Symbol('late');
/** By a timer of the same loop: what this process is not given of the processor is missing to both alike. */
async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const limit = async (): Promise<typeof late> => {
    await sleep(limitMs);
    for (let turns = 0; turns < 3; turns += 1) await turn(); // what came meanwhile is heard before
    return late;
  };
  const first = await Promise.race([work, limit()]);
  assert.ok(first !== late, `not within ${limitMs} ms`);
  return first;
}

const three = gobgpd3();
const four = gobgpd4();

for (const binary of [three, four]) {
  const name = `gobgpd ${binary?.version ?? '(not installed, and not to be built)'}`;
  describe.skipIf(binary === null)(name, () => {
    test('kill -9 is noticed at once, and so is its return, without its routes', async () => {
      const gobgpd = gobgpdOf(binary);
      // a deadline longer than is waited for: it is not what notices
      const { speaker, next } = listenTo({ address: gobgpd.address, deadlineMs: 60_000 });
      await next('up');
      assert.deepEqual(codes(await announce(speaker, [host(1)])), ['ok']);
      const killedAt = performance.now();
      await gobgpd.kill();
      const down = await next('down');
      assert.deepEqual(codes(await announce(speaker, [host(2)])), ['SPEAKER_UNREACHABLE']);
      assert.equal((await speaker.list(new Set(), never)).ok, false);
      const startedAt = performance.now();
      gobgpd.restart();
      const up = await next('up');
      console.log(
        `${name}: down ${Math.round(down.atMs - killedAt)} ms after the kill, up ${Math.round(up.atMs - startedAt)} ms after the start`,
      );
      assert.deepEqual(await ours(speaker), []);
      assert.deepEqual(codes(await announce(speaker, [host(1)])), ['ok']);
    });

    test('killed and started at once it is told as down and up again', async () => {
      const gobgpd = gobgpdOf(binary);
      const { next } = listenTo({ address: gobgpd.address });
      for (let round = 0; round < 3; round += 1) {
        await next('up');
        await gobgpd.kill();
        gobgpd.restart();
        await next('down');
      }
      await next('up');
    });

    test('stopped in its tracks it costs each call its deadline; continued it is up, with its routes', async () => {
      const gobgpd = gobgpdOf(binary);
      const { speaker, next } = listenTo({ address: gobgpd.address, deadlineMs });
      await next('up');
      await eventually(async () => codes(await announce(speaker, [host(1)])).join() === 'ok');
      await gobgpd.pause();
      const calls = [announce(speaker, [host(2), host(3)]), announce(speaker, [host(4)])];
      const [first, second, listed] = await within(
        2 * deadlineMs,
        Promise.all([calls[0], calls[1], speaker.list(new Set(), never)]),
      );
      assert.deepEqual(codes(first ?? []), ['TIMEOUT', 'TIMEOUT']);
      assert.deepEqual(codes(second ?? []), ['TIMEOUT']);
      assert.equal(listed.ok || listed.error.code, 'TIMEOUT');
      await within(2 * deadlineMs, next('down'));
      gobgpd.resume();
      await next('up');
      assert.ok((await ours(speaker)).includes(announcementText(host(1))));
    });

    test('5,000 routes are announced, listed and withdrawn', async () => {
      const gobgpd = gobgpdOf(binary);
      const { speaker, next } = listenTo({ address: gobgpd.address, deadlineMs: 10_000 });
      await next('up');
      const routes = Array.from({ length: 5_000 }, (_, index) => host(index));
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const times: string[] = [];
      const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
        const began = performance.now();
        const value = await work();
        times.push(`${what} ${Math.round(performance.now() - began)} ms`);
        return value;
      };
      assert.ok((await timed('announced', () => announce(speaker, routes))).every(({ ok }) => ok));
      const listed = await timed('listed', () => speaker.list(new Set(), never));
      const changes = routes.map((announcement) => ({ do: 'withdraw', announcement }) as const);
      assert.ok((await timed('withdrawn', () => speaker.change(changes, never))).every(({ ok }) => ok));
      delay.disable();
      assert.ok(listed.ok && listed.value !== null);
      assert.deepEqual(listed.value.ours.map(announcementText).sort(), routes.map(announcementText).sort());
      assert.deepEqual(await ours(speaker), []);
      const p99 = (delay.percentile(99) / 1e6).toFixed(1);
      const most = (delay.max / 1e6).toFixed(1);
      console.log(
        `${name}, 5,000 routes: ${times.join(', ')}; event loop delayed p99 ${p99} ms, at most ${most} ms`,
      );
    });

    test('a caller that gives up gets its answer at once', async () => {
      const gobgpd = gobgpdOf(binary);
      const { speaker, next } = listenTo({ address: gobgpd.address, deadlineMs: 30_000 });
      await next('up');
      await gobgpd.pause();
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 50);
      const [changed, listed] = await within(
        1_000,
        Promise.all([announce(speaker, [host(1)], stop.signal), speaker.list(new Set(), stop.signal)]),
      );
      assert.deepEqual(codes(changed), ['SPEAKER_UNREACHABLE']);
      assert.equal(listed.ok || listed.error.code, 'SPEAKER_UNREACHABLE');
      gobgpd.resume();
    });

    test('before its BGP is configured it is not up', async () => {
      const gobgpd = gobgpdOf(binary, { configured: false });
      const reasons = async (): Promise<string> => {
        const { next, heard } = listenTo({ address: gobgpd.address });
        const down = await next('down');
        assert.ok(heard.every(({ kind }) => kind === 'down'));
        return down.kind === 'down' ? down.reason : '';
      };
      let reason = await reasons();
      // at first its socket is not there
      for (let tries = 0; tries < 100 && /ENOENT|ECONNREFUSED/.test(reason); tries += 1)
        reason = await reasons();
      assert.match(reason, /not been started/);
    });

    test('a family that it has no table for is refused, and the others are as ever', async () => {
      const only = '[[global.afi-safis]]\n[global.afi-safis.config]\nafi-safi-name = "ipv4-unicast"';
      const gobgpd = gobgpdOf(binary, { sections: only });
      const { speaker, next } = listenTo({ address: gobgpd.address });
      await next('up');
      const ipv6 = { ...host(1), prefix: '2001:db8::1/128', nextHop: '100::1' } as Announcement;
      const [refused, taken] = await announce(speaker, [ipv6, host(1)]);
      assert.ok(refused !== undefined && !refused.ok);
      assert.equal(refused.error.code, 'SPEAKER_REFUSED');
      assert.match(refused.error.detail, /AFI 2 and SAFI 1/);
      assert.equal(taken?.ok, true);
      assert.deepEqual(await ours(speaker), [announcementText(host(1))]);
      assert.deepEqual(codes(await speaker.change([{ do: 'withdraw', announcement: ipv6 }], never)), ['ok']);
    });

    test('over TLS, with its authority and its name checked', async () => {
      const port = await freePort();
      const folder = mkdtempSync(join(tmpdir(), 'tidegate-tls-'));
      cleanups.push(() => rmSync(folder, { recursive: true }));
      const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
      execFileSync(
        'openssl',
        [
          ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=speaker.test'],
          ...['-addext', 'subjectAltName=DNS:speaker.test', '-keyout', key, '-out', certificate],
        ],
        { stdio: 'pipe' },
      );
      gobgpdOf(binary, {
        address: `127.0.0.1:${port}`,
        arguments: ['--tls', '--tls-cert-file', certificate, '--tls-key-file', key],
      });
      const tls = { ca: certificate, certificate: null, key: null, serverName: 'speaker.test' };
      const trusted = listenTo({ port, tls });
      await trusted.next('up');
      assert.deepEqual(codes(await announce(trusted.speaker, [host(1)])), ['ok']);
      for (const wrong of [
        { ...tls, ca: null },
        { ...tls, serverName: 'other.test' },
        { ...tls, ca: join(folder, 'absent.pem') },
        null,
      ]) {
        const { next } = listenTo({ port, tls: wrong });
        const { kind } = await next('down');
        assert.equal(kind, 'down');
      }
    });

    test('close leaves nothing behind, whatever is under way', async () => {
      const gobgpd = gobgpdOf(binary);
      const handles = (): number =>
        process.getActiveResourcesInfo().filter((one) => one !== 'PipeWrap').length;
      const before = handles();
      const { speaker, next, heard } = listenTo({ address: gobgpd.address });
      await next('up');
      await gobgpd.pause();
      const left = announce(speaker, [host(1)]);
      speaker.close();
      assert.deepEqual(codes(await within(500, left)), ['SPEAKER_UNREACHABLE']);
      gobgpd.resume();
      assert.deepEqual(codes(await announce(speaker, [host(1)])), ['SPEAKER_UNREACHABLE']);
      assert.ok(
        await eventually(() => handles() <= before),
        `${process.getActiveResourcesInfo().join(' ')}, not ${before}`,
      );
      assert.equal(heard.at(-1)?.kind, 'up', 'a closed speaker tells nothing');
    });
  });
}

describe.skipIf(three === null || four === null)('an upgrade from GoBGP 3 to 4 and back', () => {
  test('is found out at the next connection', async () => {
    const gobgpd = gobgpdOf(three);
    const { speaker, next } = listenTo({ address: gobgpd.address });
    for (const binary of [three, four, three]) {
      if (binary === null) continue;
      const up = await next('up');
      assert.equal(up.kind === 'up' && up.version, binary.version);
      assert.deepEqual(codes(await announce(speaker, [host(1)])), ['ok']);
      await gobgpd.kill();
      gobgpd.restart((binary === three ? four : three) ?? undefined);
      await next('down');
    }
  });
});

describe('what is no GoBGP', () => {
  const listening = (server: Server): Promise<number> =>
    new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  const serve = async (greet: (socket: Socket) => void): Promise<number> => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      greet(socket);
    });
    cleanups.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return await listening(server);
  };

  test('accepts and says nothing: down within the deadline, and calls fail at once', async () => {
    const port = await serve(() => {});
    const { speaker, next } = listenTo({ port, deadlineMs });
    await within(2 * deadlineMs, next('down'));
    assert.deepEqual(codes(await within(200, announce(speaker, [host(1)]))), ['SPEAKER_UNREACHABLE']);
  });

  test('accepts and hangs up, or speaks another protocol: down, again and again, without an exception', async () => {
    for (const greet of [
      (socket: Socket) => socket.destroy(),
      (socket: Socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
      (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    ]) {
      const { next } = listenTo({ port: await serve(greet) });
      await next('down');
    }
  });

  test('a gRPC server of something else is named as such', async () => {
    const server = new GrpcServer();
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    cleanups.push(() => server.forceShutdown());
    const { next } = listenTo({ port });
    const down = await next('down');
    assert.ok(down.kind === 'down' && /no GoBGP of version/.test(down.reason), JSON.stringify(down));
  });
});

test('a rule that GoBGP would send as garbage is refused before it sees it', async () => {
  if (three === null) return;
  const gobgpd = gobgpdOf(three);
  const { speaker, next } = listenTo({ address: gobgpd.address });
  await next('up');
  const rule = (count: number): Announcement => ({
    kind: 'flowspec',
    rule: {
      ...emptyRule(4),
      destination: hostPrefix('203.0.113.7' as HostKey),
      protocols: [17],
      lengths: Array.from({ length: count }, (_, index) => ({ low: 300 + index * 2, high: 300 + index * 2 })),
    },
    action: { kind: 'discard' },
    communities: noCommunities,
  });
  // 6 + 3 + 1 + 3 each: 238 bytes, and 241
  assert.deepEqual(codes(await announce(speaker, [rule(76), rule(77)])), ['ok', 'SPEAKER_REFUSED']);
  assert.deepEqual(await ours(speaker), [announcementText(rule(76))]);
});
