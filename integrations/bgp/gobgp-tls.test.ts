/**
 * TLS towards real gobgpd processes, with and without a certificate of ours: what is right connects, and what is wrong names the
 * setting. gobgpd 3 asks for no certificate, so one stands behind a server that does; gobgpd 4 asks itself.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { afterAll, afterEach, describe, test } from 'vitest';
import { type Certificates, makeCertificates } from './certificates-rehearsal.js';
import { gobgpSpeaker } from './gobgp.js';
import type { GobgpTls } from './gobgp-tls.js';
import { eventually, freePort, type GobgpdBinary, gobgpd3, gobgpd4, startGobgpd } from './gobgpd-process.js';

const made: Certificates = makeCertificates();
afterAll(made.remove);
const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

/** In front of a gobgpd that cannot ask for certificates: ends TLS, and lets nobody through without one of `ca`. */
async function guardedBy(address: string): Promise<number> {
  const server: Server = createServer(
    {
      cert: readFileSync(made.server.certificate),
      key: readFileSync(made.server.key),
      ca: readFileSync(made.ca),
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['h2'],
    },
    (near) => {
      const far = createConnection(address.slice('unix://'.length));
      for (const socket of [near, far]) socket.on('error', () => void [near.destroy(), far.destroy()]);
      near.pipe(far).pipe(near);
      cleanups.push(() => void [near.destroy(), far.destroy()]);
    },
  );
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  cleanups.push(() => new Promise<void>((closed) => void server.close(() => closed())));
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === 'object');
  return bound.port;
}

async function asking(binary: GobgpdBinary): Promise<number> {
  if (binary.version === '3') {
    const gobgpd = startGobgpd(binary);
    cleanups.push(() => gobgpd.remove());
    return guardedBy(gobgpd.address);
  }
  const port = await freePort();
  const files = ['--tls-cert-file', made.server.certificate, '--tls-key-file', made.server.key];
  const gobgpd = startGobgpd(binary, {
    address: `127.0.0.1:${port}`,
    arguments: ['--tls', ...files, '--tls-client-ca-file', made.ca],
  });
  cleanups.push(() => gobgpd.remove());
  return port;
}

/** What it says of itself once it is more than 'not there yet'. */
async function said(port: number, tls: GobgpTls | null): Promise<string> {
  const heard: string[] = [];
  const options = { address: '127.0.0.1', port, tls, deadlineMs: 10_000, mark: 1, localPreference: null };
  const speaker = gobgpSpeaker(options)((event) =>
    heard.push(event.kind === 'up' ? `up ${event.version}` : event.reason),
  );
  cleanups.push(() => speaker.close());
  const last = (): string => heard.at(-1) ?? '';
  await eventually(() => !/^$|ECONNREFUSED|connect ENOENT|not been started/.test(last()), 30_000);
  return last();
}

const right: GobgpTls = { ca: made.ca, ...made.client, serverName: 'speaker.test' };
const file = (name: string, text: string): string => {
  const path = join(made.folder, name);
  writeFileSync(path, text);
  return path;
};
const garbage = file('garbage.pem', 'not a certificate\n');
const { certificate: stranger } = made.stranger;
const { certificate: expired } = made.expired;

const wrongs: readonly { readonly claim: string; readonly tls: GobgpTls | null; readonly says: RegExp }[] = [
  {
    claim: 'no certificate of ours',
    tls: { ...right, certificate: null, key: null },
    says: /asks for a certificate.*set bgp\.gobgp\[\]\.tls\.certificate and bgp\.gobgp\[\]\.tls\.key/,
  },
  {
    claim: 'a certificate of ours by another authority',
    tls: { ...right, ...made.stranger },
    says: new RegExp(`not accept bgp\\.gobgp\\[\\]\\.tls\\.certificate '${stranger}'`),
  },
  {
    claim: 'a certificate of ours that has run out',
    tls: { ...right, ...made.expired },
    says: new RegExp(`^bgp\\.gobgp\\[\\]\\.tls\\.certificate '${expired}' has expired, on \\d{4}-\\d\\d-`),
  },
  {
    claim: 'a key that is of another certificate',
    tls: { ...right, key: made.stranger.key },
    says: /^bgp\.gobgp\[\]\.tls\.key: '.*stranger\.key' is not the key of bgp\.gobgp\[\]\.tls\.certificate/,
  },
  {
    claim: 'a certificate of ours that is none',
    tls: { ...right, certificate: garbage },
    says: /^bgp\.gobgp\[\]\.tls\.certificate: '.*garbage\.pem' holds no certificate/,
  },
  {
    claim: 'a key that is none',
    tls: { ...right, key: garbage },
    says: /^bgp\.gobgp\[\]\.tls\.key: '.*garbage\.pem' holds no private key/,
  },
  {
    claim: 'a key that is not there',
    tls: { ...right, key: join(made.folder, 'absent.key') },
    says: /^bgp\.gobgp\[\]\.tls\.key: .*ENOENT.*absent\.key/,
  },
  {
    claim: 'the wrong authority for its certificate',
    tls: { ...right, ca: made.otherCa },
    says: /not signed by bgp\.gobgp\[\]\.tls\.ca '.*other\.pem'/,
  },
  {
    claim: 'no authority for its certificate',
    tls: { ...right, ca: null },
    says: /no authority that this machine trusts: set bgp\.gobgp\[\]\.tls\.ca/,
  },
  {
    claim: 'another name',
    tls: { ...right, serverName: 'other.test' },
    says: /is for DNS:speaker\.test, DNS:also\.test, not for 'other\.test': set bgp\.gobgp\[\]\.tls\.server_name/,
  },
  { claim: 'in the clear', tls: null, says: /if it speaks TLS, switch bgp\.gobgp\[\]\.tls\.enabled on/ },
];

for (const binary of [gobgpd3(), gobgpd4()]) {
  const name = `gobgpd ${binary?.version ?? '(not installed, and not to be built)'}, asked for certificates`;
  describe.skipIf(binary === null)(name, () => {
    if (binary === null) return;
    test('the right certificate is let in', async () => {
      assert.equal(await said(await asking(binary), right), `up ${binary.version}`);
    });
    for (const { claim, tls, says } of wrongs) {
      test(`${claim}: the reason names the setting`, async () => {
        assert.match(await said(await asking(binary), tls), says);
      });
    }
    test('TLS to one that does not speak it', async () => {
      const gobgpd = startGobgpd(binary, { address: `127.0.0.1:${await freePort()}` });
      cleanups.push(() => gobgpd.remove());
      const port = Number(gobgpd.address.split(':')[1]);
      assert.match(await said(port, right), /does not speak TLS: switch bgp\.gobgp\[\]\.tls\.enabled off/);
    });
  });
}

test.skipIf(gobgpd3() === null)(
  'a certificate that is renewed on disk is used without a restart',
  async () => {
    const binary = gobgpd3();
    if (binary === null) return;
    const port = await asking(binary);
    const tls = { ...right, certificate: join(made.folder, 'ours.pem'), key: join(made.folder, 'ours.key') };
    const put = ({ certificate, key }: typeof made.client): void => {
      writeFileSync(tls.certificate, readFileSync(certificate));
      writeFileSync(tls.key, readFileSync(key));
    };
    put(made.expired);
    const heard: string[] = [];
    const options = { address: '127.0.0.1', port, tls, deadlineMs: 10_000, mark: 1, localPreference: null };
    const speaker = gobgpSpeaker(options)((event) => heard.push(event.kind === 'up' ? 'up' : event.reason));
    cleanups.push(() => speaker.close());
    assert.ok(
      await eventually(() => heard.some((each) => /has expired/.test(each)), 30_000),
      heard.join('\n'),
    );
    put(made.client);
    assert.ok(await eventually(() => heard.at(-1) === 'up', 30_000), heard.join('\n'));
  },
);
