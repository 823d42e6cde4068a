/** What `tidegate check` says of certificates and keys: real ones, made by openssl. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { filesOf } from './files.js';
import { loadSettings } from './load.js';

const folder = mkdtempSync(join(tmpdir(), 'tidegate-check-tls-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A certificate signed by itself, and its key. */
function selfSigned(name: string): readonly [string, string] {
  const [certificate, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const args = [
    'req',
    '-x509',
    ...curve,
    '-days',
    '2',
    '-subj',
    '/CN=t',
    '-keyout',
    key,
    '-out',
    certificate,
  ];
  execFileSync('openssl', args, { stdio: 'pipe' });
  return [readFileSync(certificate, 'utf8'), readFileSync(key, 'utf8')];
}
const [certificate, key] = selfSigned('ours');
const [other] = selfSigned('other');
const dayMs = 86_400_000;

function found(given: { readonly [name: string]: string }, now = new Date()): readonly string[] {
  const named = Object.keys(given).map((name) => `${name}: /${name}.pem`);
  const text = `networks: [192.0.2.0/24]\ncapture: {interfaces: [eth0]}\nbgp:\n  gobgp:\n    - tls: {enabled: true, ${named.join(', ')}}\n`;
  const files = filesOf({
    '/t.yaml': text,
    ...Object.fromEntries(Object.entries(given).map(([name, pem]) => [`/${name}.pem`, pem])),
  });
  const loaded = loadSettings({ path: '/t.yaml', env: {}, files, localAddresses: [], cpus: 2, now });
  return loaded.findings.map(({ severity, key: path, message }) => `${severity} ${path}: ${message}`);
}

const rows: readonly {
  readonly claim: string;
  readonly given: Record<string, string>;
  readonly says: readonly string[];
  readonly inDays?: number;
}[] = [
  { claim: 'a pair, and an authority', given: { ca: other, certificate, key }, says: [] },
  {
    claim: 'a certificate that is none',
    given: { certificate: 'hello', key },
    says: ["error bgp.gobgp[0].tls.certificate: '/certificate.pem' holds no certificate"],
  },
  {
    claim: 'an authority that is none',
    given: { ca: key },
    says: ["error bgp.gobgp[0].tls.ca: '/ca.pem' holds no certificate"],
  },
  {
    claim: 'a key that is none',
    given: { certificate, key: certificate },
    says: ["error bgp.gobgp[0].tls.key: '/key.pem' holds no private key without a passphrase"],
  },
  {
    claim: "another certificate's key",
    given: { certificate: other, key },
    says: ["error bgp.gobgp[0].tls.key: it is not the key of '/certificate.pem'"],
  },
  {
    claim: 'a certificate that has run out',
    given: { certificate, key },
    inDays: 3,
    says: ['warning bgp.gobgp[0].tls.certificate: it has expired, on '],
  },
  {
    claim: 'a certificate of tomorrow',
    given: { certificate, key },
    inDays: -3,
    says: ['warning bgp.gobgp[0].tls.certificate: it is not valid before '],
  },
];
for (const { claim, given, says, inDays = 0 } of rows) {
  test(claim, () => {
    const told = found(given, new Date(Date.now() + inDays * dayMs));
    assert.deepEqual(
      told.map((text) => text.replace(/\d{4}-\d\d-\d\dT.*/, '')),
      says,
    );
  });
}
