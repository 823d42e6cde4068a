/**
 * TLS towards a GoBGP: credentials of files, and what a connection that fails means in terms of the settings that decide it.
 *
 * A peer says little of why it refuses: an alert of TLS (RFC 8446 section 6.2) at best, which OpenSSL names; at worst it closes.
 * So our own certificate is looked at as well. Nothing that only the peer can judge is refused here: a certificate that has run out
 * does no harm to a GoBGP that asks for none.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { failure, type Result, success } from '../../domain/result.js';

/** Paths of files in PEM. */
export type GobgpTls = {
  /** null: the authorities this machine trusts. */
  readonly ca: string | null;
  /** null, both: none of our own. */
  readonly certificate: string | null;
  readonly key: string | null;
  /** The name in its certificate; null: the address. */
  readonly serverName: string | null;
};

const setting = (name: string): string => `bgp.gobgp[].tls.${name}`;

/** Read anew for each connection, so that renewed certificates need no restart. SPEAKER_UNREACHABLE, naming the setting. */
export function credentialsOf(tls: GobgpTls | null): Result<ChannelCredentials> {
  if (tls === null) return success(credentials.createInsecure());
  const { ca, certificate, key } = tls;
  const [authorities, own, secret] = [read('ca', ca), read('certificate', certificate), read('key', key)];
  for (const file of [authorities, own, secret]) if (!file.ok) return file;
  if (!authorities.ok || !own.ok || !secret.ok) return unusable('files', 'not read');
  for (const [name, path, content] of [
    ['ca', ca, authorities.value],
    ['certificate', certificate, own.value],
  ] as const) {
    if (content !== null && certificateIn(content) === null)
      return unusable(name, `'${path}' holds no certificate in PEM`);
  }
  try {
    return success(credentials.createSsl(authorities.value, secret.value, own.value));
  } catch (error) {
    return unusable('key', whyNoPair(key, certificate, error));
  }
}

const unusable = (name: string, detail: string): Result<never> =>
  failure('SPEAKER_UNREACHABLE', `${setting(name)}: ${detail}`);

function read(name: string, path: string | null): Result<Buffer | null> {
  if (path === null) return success(null);
  try {
    return success(readFileSync(path));
  } catch (error) {
    return unusable(name, error instanceof Error ? error.message : String(error));
  }
}

function certificateIn(content: Buffer): X509Certificate | null {
  try {
    return new X509Certificate(content);
  } catch {
    return null;
  }
}

function whyNoPair(key: string | null, certificate: string | null, error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  if (/key values mismatch|key type mismatch/i.test(text))
    return `'${key}' is not the key of ${setting('certificate')} '${certificate}'`;
  if (/passphrase|password|interrupted or cancelled|bad decrypt/i.test(text))
    return `'${key}' is encrypted; a key without a passphrase is needed`;
  return `'${key}' holds no private key in PEM (${text})`;
}

/** What decides, by what is said of a connection that came to nothing. The first that fits. */
type Meaning = {
  readonly said: RegExp;
  readonly means: (tls: GobgpTls, said: string, now: Date) => string;
};

const notAccepted = ({ certificate }: GobgpTls, now: Date): string => {
  if (certificate === null)
    return `it asks for a certificate of ours: set ${setting('certificate')} and ${setting('key')}`;
  return (
    staleness(certificate, now) ??
    `it does not accept ${setting('certificate')} '${certificate}': it has to be signed by the authority of its --tls-client-ca-file`
  );
};

const meanings: readonly Meaning[] = [
  {
    said: /alert (certificate required|unknown ca|bad certificate|unsupported certificate|certificate unknown|certificate expired|certificate revoked|handshake failure)/i,
    means: (tls, _said, now) => notAccepted(tls, now),
  },
  {
    said: /wrong version number|packet length too long|http request/i,
    means: () => `it does not speak TLS: switch ${setting('enabled')} off, or start gobgpd with --tls`,
  },
  {
    said: /does not match certificate's altnames|ERR_TLS_CERT_ALTNAME_INVALID/,
    means: ({ serverName }, said) => {
      const [, names = ''] = /altnames: (DNS:.*|IP Address:.*)$/.exec(said) ?? [];
      const own = serverName === null ? 'the address' : `'${serverName}'`;
      return `its certificate is for ${names === '' ? 'another name' : names}, not for ${own}: set ${setting('server_name')}`;
    },
  },
  {
    said: /self[- ]signed certificate|unable to verify|unable to get (local )?issuer/i,
    means: ({ ca }) =>
      ca === null
        ? `its certificate is signed by no authority that this machine trusts: set ${setting('ca')}`
        : `its certificate is not signed by ${setting('ca')} '${ca}'`,
  },
  {
    said: /certificate has expired|certificate is not yet valid/i,
    means: () => 'its own certificate (--tls-cert-file of gobgpd) is not valid now',
  },
  {
    said: /Failed to connect|ECONNRESET|EPIPE|hang up|dropped|disconnected before secure/i,
    means: (tls, _said, now) => {
      const closed = 'it closed the connection while it was being secured';
      if (tls.certificate === null)
        return `${closed}: if it asks for a certificate, set ${setting('certificate')} and ${setting('key')}`;
      return (
        staleness(tls.certificate, now) ??
        `${closed}: it may not accept ${setting('certificate')} '${tls.certificate}'`
      );
    },
  },
];

/** null: it is valid now, or nobody can tell. */
function staleness(certificate: string, now: Date): string | null {
  const file = read('certificate', certificate);
  const own = file.ok && file.value !== null ? certificateIn(file.value) : null;
  if (own === null) return null;
  const [from, to] = [new Date(own.validFrom), new Date(own.validTo)];
  if (to < now) return `${setting('certificate')} '${certificate}' has expired, on ${to.toISOString()}`;
  if (from > now)
    return `${setting('certificate')} '${certificate}' is not valid before ${from.toISOString()}`;
  return null;
}

/** Of the sentences of gRPC and OpenSSL, what was wrong; then what to change, where that is known. */
export function explained(detail: string, tls: GobgpTls | null, now: Date): string {
  const said = detail
    .replace(/[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]*):.*/s, '$1')
    .replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/, '')
    .trim();
  if (tls === null) {
    return /Failed to connect|ECONNRESET|EPIPE|dropped|Protocol error/i.test(said)
      ? `${said}; if it speaks TLS, switch ${setting('enabled')} on`
      : said;
  }
  const meaning = meanings.find((one) => one.said.test(said));
  return meaning === undefined ? said : `${meaning.means(tls, said, now)} (${said})`;
}
