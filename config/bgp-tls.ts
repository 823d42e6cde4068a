/** The files of TLS towards GoBGP, as far as they can be judged without it: there, what they should be, a pair, and not run out. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Files } from './files.js';
import type { Plan, Tell } from './plan.js';
import type { GobgpSettings } from './settings.js';

type Tls = NonNullable<GobgpSettings['tls']>;

export function checkTls({ bgp, origins }: Plan, files: Files, now: Date | null, tell: Tell): void {
  for (const { name, tls } of bgp.gobgp) {
    if (tls === null) continue;
    const speaker = bgp.policy.speakers.find((one) => one.name === name);
    checkFiles(tls, `${(speaker && origins.get(speaker)) ?? 'bgp.gobgp'}.tls`, files, now, tell);
  }
}

function checkFiles(tls: Tls, path: string, files: Files, now: Date | null, tell: Tell): void {
  if ((tls.certificate === null) !== (tls.key === null)) {
    tell('error', path, 'a certificate and its key go together, and one is missing', 'set both, or neither');
  }
  const text = (key: 'ca' | 'certificate' | 'key'): string | null => {
    const file = tls[key];
    if (file === null) return null;
    if (files.stat(file)?.kind !== 'file') {
      tell('error', `${path}.${key}`, `there is no file '${file}'`, 'correct the path');
      return null;
    }
    const read = files.read(file);
    if (read.ok) return read.text;
    tell('error', `${path}.${key}`, `'${file}': ${read.why}`, 'let the user of the daemon read it');
    return null;
  };
  const certificateAt = (key: 'ca' | 'certificate'): X509Certificate | null => {
    const content = text(key);
    if (content === null) return null;
    const certificate = parsed(() => new X509Certificate(content));
    if (certificate === null) {
      tell('error', `${path}.${key}`, `'${tls[key]}' holds no certificate`, 'name a certificate in PEM');
      return null;
    }
    if (now === null) return certificate;
    const from = new Date(certificate.validFrom);
    const to = new Date(certificate.validTo);
    if (to < now) {
      tell(
        'warning',
        `${path}.${key}`,
        `it has expired, on ${to.toISOString()}`,
        'renew it; no restart is needed',
      );
    } else if (from > now) {
      tell('warning', `${path}.${key}`, `it is not valid before ${from.toISOString()}`, 'look at the clock');
    }
    return certificate;
  };
  certificateAt('ca');
  const own = certificateAt('certificate');
  const secret = text('key');
  if (secret === null) return;
  const key = parsed<KeyObject>(() => createPrivateKey(secret));
  if (key === null) {
    tell(
      'error',
      `${path}.key`,
      `'${tls.key}' holds no private key without a passphrase`,
      'name a key in PEM',
    );
  } else if (own !== null && !own.checkPrivateKey(key)) {
    tell(
      'error',
      `${path}.key`,
      `it is not the key of '${tls.certificate}'`,
      'name the two that go together',
    );
  }
}

function parsed<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
