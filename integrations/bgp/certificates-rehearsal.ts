/** Certificates for tests, made by openssl: an authority, another one, and what they have signed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Signed = { readonly certificate: string; readonly key: string };
export type Certificates = {
  readonly folder: string;
  /** The authority of `server`, `client` and `expired`. */
  readonly ca: string;
  readonly otherCa: string;
  /** Of 'speaker.test'. */
  readonly server: Signed;
  readonly client: Signed;
  /** A client's, by the other authority. */
  readonly stranger: Signed;
  /** A client's that has run out. */
  readonly expired: Signed;
  readonly remove: () => void;
};

const openssl = (...args: readonly string[]): void => {
  execFileSync('openssl', args, { stdio: 'pipe' });
};
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-tls-'));
  const pem = (name: string): Signed => ({
    certificate: join(folder, `${name}.pem`),
    key: join(folder, `${name}.key`),
  });
  const authority = (name: string): Signed => {
    const { certificate, key } = pem(name);
    const subject = ['-days', '2', '-subj', `/CN=${name}`];
    openssl('req', '-x509', ...newKey, ...subject, '-keyout', key, '-out', certificate);
    return { certificate, key };
  };
  const signed = (name: string, by: Signed, days: number, extension: string): Signed => {
    const { certificate, key } = pem(name);
    const [request, extensions] = [join(folder, `${name}.csr`), join(folder, `${name}.ext`)];
    writeFileSync(extensions, extension);
    openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', key, '-out', request);
    openssl(
      ...['x509', '-req', '-in', request, '-CA', by.certificate, '-CAkey', by.key, '-CAcreateserial'],
      ...['-days', String(days), '-extfile', extensions, '-out', certificate],
    );
    return { certificate, key };
  };
  const [ca, other] = [authority('ca'), authority('other')];
  const forClients = 'extendedKeyUsage=clientAuth';
  return {
    folder,
    ca: ca.certificate,
    otherCa: other.certificate,
    server: signed('server', ca, 2, 'subjectAltName=DNS:speaker.test,DNS:also.test'),
    client: signed('client', ca, 2, forClients),
    stranger: signed('stranger', other, 2, forClients),
    expired: signed('expired', ca, -1, forClients),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
