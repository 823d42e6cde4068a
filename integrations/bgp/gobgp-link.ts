/**
 * One connection to one gobgpd process, from the first answer to the first silence.
 *
 * Each connection has a client of its own: nothing of a broken one, backoff or queued call, reaches into the next. That
 * the process has gone is told by a stream that ends with it, at once; that it hangs, by a question a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@grpc/grpc-js';
import { failure, type Result, success } from '../../domain/result.js';
import { type Dialect, dialects, getAsn, hasTable, watchLife } from './gobgp-api.js';
import { credentialsOf, explained, type GobgpTls } from './gobgp-tls.js';
import type { WireFamily } from './wire/attributes.js';
import { wireFamilies } from './wire/route.js';

export type LinkOptions = {
  /** A host, or 'unix:/path', which has no port. */
  readonly address: string;
  readonly port: number;
  /** null: in the clear. */
  readonly tls: GobgpTls | null;
  readonly deadlineMs: number;
};

export type Link = {
  readonly client: Client;
  readonly dialect: Dialect;
  /** Families it has a table for; an operator may have limited them (`global.afi-safis`). */
  readonly families: readonly WireFamily[];
  /** Settles, with the reason, when the process has gone or hangs. */
  readonly lost: Promise<string>;
  readonly close: () => void;
};

const heartbeatMs = 1_000;

/** `signal` ends the attempt, `close` the connection. SPEAKER_UNREACHABLE, TIMEOUT, or SPEAKER_REFUSED: it answers, but not as a GoBGP that we know and that runs. */
export async function connect(options: LinkOptions, signal: AbortSignal): Promise<Result<Link>> {
  const secrets = credentialsOf(options.tls);
  if (!secrets.ok) return secrets;
  const { address, port, tls } = options;
  const host = address.includes(':') ? `[${address}]` : address;
  const client = new Client(address.startsWith('unix:') ? address : `${host}:${port}`, secrets.value, {
    ...(tls?.serverName ? { 'grpc.ssl_target_name_override': tls.serverName } : {}),
    'grpc.enable_http_proxy': 0, // a proxy of the environment is for the web
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
  });
  const found = await detect(client, options, signal);
  if (!found.ok) {
    client.close();
    const { code, detail } = found.error;
    return code === 'SPEAKER_UNREACHABLE' ? failure(code, explained(detail, tls, new Date())) : found;
  }
  const { dialect, families } = found.value;
  const stop = new AbortController();
  const lost = Promise.race([
    watchLife(client, dialect, [stop.signal]),
    heartbeat(client, dialect, options, stop.signal),
  ]).then((end) => (end.ok ? 'closed' : end.error.detail));
  const close = (): void => {
    stop.abort();
    client.close();
  };
  return success({ client, dialect, families, lost, close });
}

type Found = Pick<Link, 'dialect' | 'families'>;

async function detect(client: Client, options: LinkOptions, signal: AbortSignal): Promise<Result<Found>> {
  const bounds = { deadlineMs: options.deadlineMs, signals: [signal] };
  for (const dialect of dialects) {
    const asn = await getAsn(client, dialect, bounds);
    if (!asn.ok) return asn;
    if (asn.value === 'unknown') continue;
    // gobgpd answers before it has read its configuration, and takes no route until then
    if (asn.value === null) return notStarted;
    const families: WireFamily[] = [];
    for (const family of wireFamilies) {
      const has = await hasTable(client, dialect, family, bounds);
      if (!has.ok) return has;
      if (has.value) families.push(family);
    }
    return success({ dialect, families });
  }
  const known = dialects.map(({ version }) => version).join(' and ');
  return failure('SPEAKER_REFUSED', `it answers, but is no GoBGP of version ${known}`);
}

const notStarted: Result<never> = failure('SPEAKER_REFUSED', 'GoBGP runs, but its BGP has not been started');

/** Ends with the first question that finds no answer. */
async function heartbeat(
  client: Client,
  dialect: Dialect,
  options: LinkOptions,
  signal: AbortSignal,
): Promise<Result<void>> {
  for (;;) {
    // an abort ends the pause, and the question after it fails at once
    await sleep(heartbeatMs, undefined, { signal }).catch(() => undefined);
    const asn = await getAsn(client, dialect, { deadlineMs: options.deadlineMs, signals: [signal] });
    if (!asn.ok) return asn;
    if (asn.value === null || asn.value === 'unknown') return notStarted;
  }
}
