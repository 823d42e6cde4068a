/**
 * GoBGP as a speaker: over its gRPC API, versions 3 and 4, which is found out anew with each connection.
 *
 * Changes go out in batches, each one message of a stream of its own, which GoBGP takes whole or not at all; a batch
 * that it refuses is halved until the fault stands alone. Every call has its deadline, so a gobgpd that hangs costs
 * that and no more. Its routes go with its process: each new connection is told as `up`.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Announcement } from '../../domain/announcement.js';
import { failure, type Result, success } from '../../domain/result.js';
import type { Speaker, SpeakerChange, SpeakerHoldings, SpeakerOpener } from '../../domain/speaker.js';
import { addPaths, listPaths, longestTurnMs, type Path } from './gobgp-api.js';
import { connect, type Link, type LinkOptions } from './gobgp-link.js';
import { type Marking, ourAnnouncement, pathOf } from './gobgp-paths.js';
import { wireFamilies } from './wire/route.js';

export type { GobgpTls } from './gobgp-tls.js';

export type GobgpOptions = LinkOptions & Marking;

/** Changes in one message to GoBGP, and fewer where encoding them takes longer than a turn of ours may. */
const batchSize = 128;
/** Ours in one list; beyond it something is wrong that a repair would make worse. */
const maxOurs = 200_000;

const firstPauseMs = 100;
/** Also how late the return of a gobgpd is seen, so it is short: a refused connection costs next to nothing. */
const longestPauseMs = 1_000;

export const gobgpSpeaker =
  (options: GobgpOptions): SpeakerOpener =>
  (tell): Speaker => {
    const closing = new AbortController();
    let link: Link | null = null;
    let reason = 'not connected yet';
    let turn: Promise<unknown> = Promise.resolve();

    async function keepConnected(): Promise<void> {
      let pauseMs = firstPauseMs;
      let told: string | null = null;
      while (!closing.signal.aborted) {
        const opened = await connect(options, closing.signal);
        if (opened.ok && closing.signal.aborted) opened.value.close();
        else if (opened.ok) {
          link = opened.value;
          tell({ kind: 'up', version: link.dialect.version });
          reason = await link.lost;
          link?.close();
          link = null;
          told = null;
          pauseMs = firstPauseMs;
        } else {
          reason = opened.error.detail;
        }
        // each reason once: what is wrong may change while it is down
        if (told !== reason && !closing.signal.aborted) tell({ kind: 'down', reason });
        told = reason;
        // jitter: several detectors must not come back to one gobgpd in step
        const rest = pauseMs * (0.5 + Math.random() / 2);
        await sleep(rest, undefined, { signal: closing.signal }).catch(() => undefined);
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      }
    }
    void keepConnected();

    const boundsOf = (signal: AbortSignal) => ({
      deadlineMs: options.deadlineMs,
      signals: [signal, closing.signal],
    });

    /** All or none, unless its connection is lost between two halves. */
    async function send(paths: readonly Path[], signal: AbortSignal): Promise<readonly Result<void>[]> {
      if (paths.length === 0) return [];
      const sent =
        link === null ? unreachable() : await addPaths(link.client, link.dialect, paths, boundsOf(signal));
      if (sent.ok || sent.error.code !== 'SPEAKER_REFUSED' || paths.length === 1)
        return paths.map(() => sent);
      const middle = paths.length >> 1;
      const first = await send(paths.slice(0, middle), signal);
      const broken = first.find(isBroken);
      return broken === undefined
        ? [...first, ...(await send(paths.slice(middle), signal))]
        : [...first, ...paths.slice(middle).map(() => broken)];
    }

    const unreachable = (): Result<never> => failure('SPEAKER_UNREACHABLE', reason);

    /** As `pathOf`, by the families of this GoBGP. */
    function pathFor(change: SpeakerChange): Result<Path | null> {
      const path = pathOf(change, options);
      if (link === null || !path.ok || path.value === null) return path;
      const { afi, safi } = path.value.family;
      if (link.families.some((family) => family.afi === afi && family.safi === safi)) return path;
      return change.do === 'withdraw'
        ? success(null)
        : failure(
            'SPEAKER_REFUSED',
            `GoBGP has no table of AFI ${afi} and SAFI ${safi}: see its global.afi-safis`,
          );
    }

    /** The results of as many changes as fit into one turn, from the first on. */
    async function changeSome(
      changes: readonly SpeakerChange[],
      signal: AbortSignal,
    ): Promise<readonly Result<void>[]> {
      const began = performance.now();
      const encoded: Result<Path | null>[] = [];
      for (const change of changes) {
        if (encoded.length === batchSize || performance.now() - began > longestTurnMs) break;
        encoded.push(pathFor(change));
      }
      const paths = encoded.flatMap((one) => (one.ok && one.value !== null ? [one.value] : []));
      await nextTurn(); // writing the message takes as long again
      const sent = (await send(paths, signal))[Symbol.iterator]();
      return encoded.map((one): Result<void> => {
        if (!one.ok) return one;
        return one.value === null ? success(undefined) : (sent.next().value ?? unreachable());
      });
    }

    async function changeAll(
      changes: readonly SpeakerChange[],
      signal: AbortSignal,
    ): Promise<readonly Result<void>[]> {
      const results: Result<void>[] = [];
      while (results.length < changes.length) {
        const done = await changeSome(changes.slice(results.length), signal);
        results.push(...done);
        const broken = done.find(isBroken);
        if (broken !== undefined) results.push(...changes.slice(results.length).map(() => broken));
      }
      return results;
    }

    async function list(signal: AbortSignal): Promise<Result<SpeakerHoldings>> {
      const ours: Announcement[] = [];
      let foreign = 0;
      const bounds = boundsOf(signal);
      for (const family of link?.families ?? wireFamilies) {
        if (link === null) return unreachable();
        const listed = await listPaths(link.client, link.dialect, family, bounds, (paths) => {
          for (const path of paths) {
            const announcement = ours.length < maxOurs ? ourAnnouncement(path, options) : null;
            if (announcement === null) foreign += 1;
            else ours.push(announcement);
          }
        });
        if (!listed.ok) return listed;
      }
      return success({ ours, foreign });
    }

    return {
      // Every path of ours carries its mark, so the ledger's word is not needed; and an operator's own path to a prefix
      // that we announce too must not pass for ours.
      list: (_known, signal) => list(signal),
      change: (changes, signal) => {
        // one after the other: GoBGP serves two streams in any order
        const giveUpAt = performance.now() + options.deadlineMs;
        const done = turn.then(() =>
          performance.now() < giveUpAt ? changeAll(changes, signal) : changes.map(() => waitedTooLong),
        );
        turn = done;
        return done;
      },
      close: () => {
        closing.abort();
        link?.close();
        link = null;
      },
    };
  };

const waitedTooLong: Result<never> = failure('TIMEOUT', 'changes before these took all the time');

/** The connection failed: nothing more of these changes would arrive, or in its order. */
const isBroken = (result: Result<void>): boolean => !result.ok && result.error.code !== 'SPEAKER_REFUSED';
