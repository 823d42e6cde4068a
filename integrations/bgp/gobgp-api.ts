/**
 * GoBGP's gRPC API as far as we speak it: the calls of gobgp.proto under the name each version serves them, and each as
 * a promise with a deadline that never rejects.
 *
 * Errors: SPEAKER_UNREACHABLE (no connection, or given up by the caller), TIMEOUT, SPEAKER_REFUSED with GoBGP's words.
 */
import { fileURLToPath } from 'node:url';
import {
  type Client,
  type ClientReadableStream,
  type MethodDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { failure, type Result, success } from '../../domain/result.js';
import type { WireFamily } from './wire/attributes.js';

/** What differs between the versions that we know. */
export type Dialect = {
  readonly version: string;
  readonly service: string;
  /** The number of the global table. */
  readonly globalTable: number;
};

/** The newest first: it is asked first. */
export const dialects: readonly Dialect[] = [
  { version: '4', service: 'api.GoBgpService', globalTable: 1 },
  { version: '3', service: 'apipb.GobgpApi', globalTable: 0 },
];

export type Path = {
  readonly is_withdraw: boolean;
  readonly family: WireFamily;
  readonly identifier: number;
  readonly nlri_binary: Uint8Array;
  readonly pattrs_binary: readonly Uint8Array[];
};
/** As it comes back. `neighbor_ip` of a path that came over the API is no address: '<nil>' in version 3, '' in 4. */
export type ListedPath = Path & { readonly neighbor_ip: string };

type Global = { readonly global: { readonly asn: number } | null };
type Listed = { readonly destination: { readonly paths: readonly ListedPath[] } | null };
type Method<Request, Response> = MethodDefinition<Request, Response>;

type Methods = {
  readonly GetBgp: Method<object, Global>;
  readonly WatchEvent: Method<object, object>;
  readonly GetTable: Method<object, object>;
  readonly ListPath: Method<object, Listed>;
  readonly AddPathStream: Method<object, object>;
};

const protoPath = fileURLToPath(new URL('./gobgp.proto', import.meta.url));

/** Read once, when this file is loaded: a build without the file must not start. */
const methods = loadSync(protoPath, { keepCase: true, longs: Number, enums: Number, defaults: true })[
  'tidegate.Gobgp'
] as unknown as Methods;

/** Work on many routes gives way to the rest of the program after so long. */
export const longestTurnMs = 2;

/** How a call is cut short: by its deadline, or by any of the signals. */
export type Bounds = { readonly deadlineMs: number; readonly signals: readonly AbortSignal[] };

const pathOf = (dialect: Dialect, name: keyof Methods): string => `/${dialect.service}/${name}`;
const deadlineOf = ({ deadlineMs }: Bounds): { readonly deadline: number } => ({
  deadline: Date.now() + deadlineMs,
});

function failed<T>(error: ServiceError): Result<T> {
  switch (error.code) {
    case status.DEADLINE_EXCEEDED:
      return failure('TIMEOUT', 'GoBGP did not answer in time');
    case status.UNAVAILABLE:
    case status.INTERNAL: // a connection that breaks within an answer
    case status.CANCELLED:
      return failure('SPEAKER_UNREACHABLE', withoutFrame(error.details));
    default:
      return failure('SPEAKER_REFUSED', error.details);
  }
}

/** 'connect ECONNREFUSED …' out of the sentence that gRPC makes of it. */
const withoutFrame = (details: string): string =>
  details
    .replace(/^No connection established\. Last error: (Error: )?/, '')
    .replace(/\. Resolution note: ?$/, '');

/** Ties a call to its signals until it has ended: they live longer, and must not gather what has passed. */
function bound<T>(
  signals: readonly AbortSignal[],
  begin: (end: (result: Result<T>) => void) => { cancel: () => void },
): Promise<Result<T>> {
  if (signals.some((signal) => signal.aborted)) {
    return Promise.resolve(failure('SPEAKER_UNREACHABLE', 'given up'));
  }
  return new Promise((resolve) => {
    const call = begin((result) => {
      for (const signal of signals) signal.removeEventListener('abort', give);
      resolve(result);
    });
    const give = (): void => call.cancel();
    for (const signal of signals) signal.addEventListener('abort', give);
  });
}

/** The AS it speaks for; null: it runs, but its BGP has not been started. `unknown`: it does not speak this dialect. */
export const getAsn = (
  client: Client,
  dialect: Dialect,
  bounds: Bounds,
): Promise<Result<number | null | 'unknown'>> =>
  bound(bounds.signals, (end) => {
    const { requestSerialize, responseDeserialize } = methods.GetBgp;
    return client.makeUnaryRequest(
      pathOf(dialect, 'GetBgp'),
      requestSerialize,
      responseDeserialize,
      {},
      deadlineOf(bounds),
      (error, answer) => {
        if (error?.code === status.UNIMPLEMENTED) end(success('unknown'));
        else end(error === null ? success(answer?.global?.asn || null) : failed(error));
      },
    );
  });

/** Whether it has a table for the family. What is announced without one is taken, and lost without a word. */
export const hasTable = (
  client: Client,
  dialect: Dialect,
  family: WireFamily,
  bounds: Bounds,
): Promise<Result<boolean>> =>
  bound(bounds.signals, (end) => {
    const { requestSerialize, responseDeserialize } = methods.GetTable;
    return client.makeUnaryRequest(
      pathOf(dialect, 'GetTable'),
      requestSerialize,
      responseDeserialize,
      { table_type: dialect.globalTable, family },
      deadlineOf(bounds),
      (error) => {
        if (error === null) end(success(true));
        else if (/address family.* not supported/.test(error.details)) end(success(false));
        else end(failed(error));
      },
    );
  });

/** Adds and withdraws, all or, when refused, none of them. */
export const addPaths = (
  client: Client,
  dialect: Dialect,
  paths: readonly Path[],
  bounds: Bounds,
): Promise<Result<void>> =>
  bound(bounds.signals, (end) => {
    const { requestSerialize, responseDeserialize } = methods.AddPathStream;
    const call = client.makeClientStreamRequest(
      pathOf(dialect, 'AddPathStream'),
      requestSerialize,
      responseDeserialize,
      deadlineOf(bounds),
      (error) => end(error === null ? success(undefined) : failed(error)),
    );
    call.write({ table_type: dialect.globalTable, paths });
    call.end();
    return call;
  });

/** Gives `take` every path of the family, as they come. The deadline is for each next one, not for all of them. */
export const listPaths = (
  client: Client,
  dialect: Dialect,
  family: WireFamily,
  bounds: Bounds,
  take: (paths: readonly ListedPath[]) => void,
): Promise<Result<void>> =>
  bound(bounds.signals, (end) => {
    const { requestSerialize, responseDeserialize } = methods.ListPath;
    const call: ClientReadableStream<Listed> = client.makeServerStreamRequest(
      pathOf(dialect, 'ListPath'),
      requestSerialize,
      responseDeserialize,
      { table_type: dialect.globalTable, family, enable_only_binary: true },
    );
    let late = false;
    const giveUp = setTimeout(() => {
      late = true;
      call.cancel();
    }, bounds.deadlineMs);
    const finish = (result: Result<void>): void => {
      clearTimeout(giveUp);
      end(late ? failure('TIMEOUT', 'GoBGP stopped listing its paths') : result);
    };
    let turnBegan = performance.now();
    call.on('data', ({ destination }: Listed) => {
      take(destination?.paths ?? []);
      if (performance.now() - turnBegan < longestTurnMs) return;
      // a table comes faster than it is read: others have their turn in between
      call.pause();
      setImmediate(() => {
        giveUp.refresh();
        turnBegan = performance.now();
        call.resume();
      });
    });
    call.on('error', (error: ServiceError) => finish(failed(error)));
    call.on('end', () => finish(success(undefined)));
    return call;
  });

/** A stream that lasts as long as the process at the other end: its end is that process's end. */
export const watchLife = (
  client: Client,
  dialect: Dialect,
  signals: readonly AbortSignal[],
): Promise<Result<void>> =>
  bound(signals, (end) => {
    const { requestSerialize, responseDeserialize } = methods.WatchEvent;
    const call = client.makeServerStreamRequest(
      pathOf(dialect, 'WatchEvent'),
      requestSerialize,
      responseDeserialize,
      { peer: {} },
    );
    call.on('data', () => {}); // sessions of its peers: read, so that they do not pile up
    call.on('error', (error: ServiceError) => end(failed(error)));
    call.on('end', () => end(failure('SPEAKER_UNREACHABLE', 'GoBGP ended the watch')));
    return call;
  });
