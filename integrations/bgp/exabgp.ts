/**
 * ExaBGP as a speaker, through the named pipes of its text interface; versions 4 and 5.
 *
 * With a command pipe alone it can only be told: a command is a success once the pipe has taken it, and `list` is a success
 * of null. With the answer pipe too (`exabgp.api.ack`, on unless turned off) commands are acknowledged and what it holds is
 * read back. `up`: somebody reads the command pipe and, where there are answers, ExaBGP has given one. `down`: nobody has
 * read it for 300 ms, it was replaced, ExaBGP said that it ends, or it does not answer.
 *
 * Nothing here waits in the kernel (`exabgp-pipe.ts`), and nothing is withdrawn by closing.
 */
import { type Announcement, announcementKey } from '../../domain/announcement.js';
import { failure, type Result, success } from '../../domain/result.js';
import type {
  Speaker,
  SpeakerChange,
  SpeakerEvent,
  SpeakerHoldings,
  SpeakerOpener,
} from '../../domain/speaker.js';
import type { Milliseconds } from '../../domain/units.js';
import { type Command, commandLines, type LargeCommunity } from './exabgp-commands.js';
import { type Exchange, goneMs, openExchange, writeLines } from './exabgp-exchange.js';
import { readNeighbors, unevenRoutes } from './exabgp-neighbors.js';
import {
  type AnswerPipe,
  type CommandPipe,
  isFault,
  openAnswerPipe,
  openCommandPipe,
  type PipeFault,
} from './exabgp-pipe.js';
import { nextTurn, type RibLine, readRib, readRibLine } from './exabgp-rib.js';

export type ExabgpOptions = {
  /** '/var/run/exabgp.cmd', '/run/exabgp/exabgp.in'. */
  readonly pipe: string;
  /** '/run/exabgp/exabgp.out'; null: ExaBGP is only told. */
  readonly answers: string | null;
  /** Added to every announcement; what carries it is ours. No policy may have it among its communities. */
  readonly mark: LargeCommunity | null;
};

const watchMs: Milliseconds = 100;
/** Between attempts to get an answer out of an ExaBGP that gives none. */
const againMs: Milliseconds = 1000;
const linesPerTurn = 512;
const changesPerTurn = 128;
const maxTold = 100_000;

type Link = {
  readonly commands: CommandPipe;
  readonly answers: AnswerPipe | null;
  readonly exchange: Exchange | null;
  /** Aborted with the link. */
  readonly ended: AbortController;
  goneSince: Milliseconds | null;
  nextSync: Milliseconds;
};

export const exabgpSpeaker =
  (options: ExabgpOptions): SpeakerOpener =>
  (tell) => {
    const told = new Map<string, Announcement>();
    let link: Link | null = null;
    let reason = 'not connected yet';
    /** null: nothing has been told yet. */
    let isUp: boolean | null = null;
    let closed = false;
    let busy = 0;
    let turn: Promise<unknown> = Promise.resolve();

    const say = (event: SpeakerEvent): void => {
      const up = event.kind === 'up';
      if (closed || up === isUp) return;
      isUp = up;
      tell(event);
    };
    const lose = (why: string): void => {
      reason = why;
      if (link !== null) {
        link.ended.abort();
        link.commands.close();
        link.answers?.close();
        link = null;
        told.clear();
      }
      say({ kind: 'down', reason: why });
    };
    const connect = (): void => {
      const opened = openLink(options);
      if (isFault(opened)) {
        reason = opened.fault;
        say({ kind: 'down', reason });
        return;
      }
      link = opened;
      if (opened.exchange === null) say({ kind: 'up', version: null });
    };

    /** One conversation at a time. One whose signal is aborted before its turn does not wait for it. */
    const inTurn = <T>(signal: AbortSignal, late: T, work: () => Promise<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        busy += 1;
        const abort = (): void => resolve(late);
        if (signal.aborted) abort();
        signal.addEventListener('abort', abort, { once: true });
        turn = turn
          .then(() => {
            signal.removeEventListener('abort', abort);
            return signal.aborted ? late : work();
          })
          .then(resolve, reject)
          .finally(() => {
            busy -= 1;
          });
      });

    const greet = async (own: Link, exchange: Exchange): Promise<void> => {
      const { signal } = own.ended;
      const answer = await exchange.ask('version', signal);
      if (link !== own) return;
      own.nextSync = performance.now() + againMs;
      if (answer.ok) {
        const version = answer.value
          .map((line) => /^exabgp (\d\S*)/.exec(line)?.[1])
          .find((one) => one !== undefined);
        say({ kind: 'up', version: version ?? null });
      } else if (answer.error.code === 'TIMEOUT') {
        reason = 'exabgp does not answer';
        say({ kind: 'down', reason });
      } else lose(answer.error.detail);
    };

    const watch = (): void => {
      if (link === null) {
        connect();
        if (link === null) return;
      }
      const own: Link = link;
      const now = performance.now();
      const fault = own.commands.check() ?? own.answers?.check() ?? null;
      own.goneSince = fault === null ? null : (own.goneSince ?? now);
      if (fault !== null && own.goneSince !== null && now - own.goneSince >= goneMs) {
        lose(fault.fault);
        return;
      }
      const { exchange } = own;
      if (exchange === null || busy > 0) return;
      if (exchange.isSynced()) {
        const lost = exchange.drain();
        if (lost !== null) lose(lost);
      }
      if ((!exchange.isSynced() || !isUp) && now >= own.nextSync) {
        void inTurn(own.ended.signal, undefined, () => greet(own, exchange));
      }
    };

    const unreachable = <T>(): Result<T> => failure('SPEAKER_UNREACHABLE', reason);
    /** What ended with the link was not late but cut off; what finds the link broken ends it. */
    const lostWith = <T>(own: Link, result: Result<T>): Result<T> => {
      if (result.ok) return result;
      const { code, detail } = result.error;
      if (code === 'SPEAKER_UNREACHABLE' && link === own) lose(detail);
      return own.ended.signal.aborted && code === 'TIMEOUT' ? unreachable() : result;
    };

    const list = async (
      known: ReadonlySet<string>,
      outer: AbortSignal,
    ): Promise<Result<SpeakerHoldings | null>> => {
      const own = link;
      if (own === null) return unreachable();
      const { exchange } = own;
      if (exchange === null) return success(null);
      const signal = AbortSignal.any([outer, own.ended.signal]);
      const configuration = await exchange.ask('show neighbor configuration', signal);
      if (!configuration.ok) return lostWith(own, configuration);
      const neighbors = readNeighbors(configuration.value);
      if (neighbors.length > 0 && neighbors.every(({ keepsRoutes }) => !keepsRoutes)) return success(null);
      const printed = await exchange.ask('show adj-rib out extensive', signal);
      if (!printed.ok) return lostWith(own, printed);
      const rib = await readRib(await ribLines(printed.value), known, options.mark, told);
      const uneven = unevenRoutes(rib.ours, neighbors);
      const changes = uneven.map((announcement) => ({ do: 'announce' as const, announcement }));
      if (changes.length > 0) {
        const lines = commandLines(changes, options.mark, true).commands.map(({ line }) => line);
        await exchange.carryOut(lines, signal);
      }
      const byKey = new Map<string, Announcement>();
      for (const { announcement } of rib.ours) {
        const key = announcementKey(announcement);
        if (!byKey.has(key)) byKey.set(key, announcement);
      }
      return success({ ours: [...byKey.values()], foreign: rib.foreign });
    };

    const change: Speaker['change'] = async (changes, outer) => {
      const own = link;
      if (own === null) return changes.map(() => unreachable());
      const signal = AbortSignal.any([outer, own.ended.signal]);
      const { commands, refused } = await commandsFor(changes, options.mark, own.exchange !== null);
      const lines = commands.map(({ line }) => line);
      let outcomes: readonly Result<void>[];
      if (own.exchange === null) {
        const { written, failed } = await writeLines(own.commands, lines, signal);
        outcomes = lines.map((_, index) =>
          index < written ? success(undefined) : (failed ?? unreachable()),
        );
      } else outcomes = await own.exchange.carryOut(lines, signal);
      const results: Result<void>[] = changes.map((_, index) => refused.get(index) ?? unreachable());
      for (const [at, command] of commands.entries()) {
        const outcome = lostWith(own, outcomes[at] ?? unreachable<void>());
        for (const index of command.changes) results[index] = outcome;
      }
      for (const [index, one] of changes.entries()) {
        if (results[index]?.ok !== true) continue;
        const key = announcementKey(one.announcement);
        if (one.do === 'withdraw') told.delete(key);
        else if (told.size < maxTold) told.set(key, one.announcement);
      }
      return results;
    };

    connect();
    watch();
    const timer = setInterval(watch, watchMs);
    timer.unref();
    const late = failure<never>('TIMEOUT', 'exabgp was still busy');
    return {
      list: (known, signal) => inTurn(signal, late, () => list(known, signal)),
      change: (changes, signal) =>
        inTurn(
          signal,
          changes.map(() => late),
          () => change(changes, signal),
        ),
      close() {
        closed = true;
        clearInterval(timer);
        lose('closed');
      },
    };
  };

function openLink(options: ExabgpOptions): Link | PipeFault {
  const answers = options.answers === null ? null : openAnswerPipe(options.answers);
  if (isFault(answers)) return answers;
  const commands = openCommandPipe(options.pipe);
  if (isFault(commands)) {
    answers?.close();
    return commands;
  }
  // What lies in the pipe was asked for in another life: `ask` takes it away first.
  const exchange = answers === null ? null : openExchange(commands, answers);
  return { commands, answers, exchange, ended: new AbortController(), goneSince: null, nextSync: 0 };
}

/** As `commandLines`, some hundred changes in a turn of the event loop. */
async function commandsFor(
  changes: readonly SpeakerChange[],
  mark: LargeCommunity | null,
  grouped: boolean,
): Promise<ReturnType<typeof commandLines>> {
  const commands: Command[] = [];
  const refused = new Map<number, Result<never>>();
  for (let at = 0; at < changes.length; at += changesPerTurn) {
    if (at > 0) await nextTurn();
    const some = commandLines(changes.slice(at, at + changesPerTurn), mark, grouped);
    for (const { line, changes: own } of some.commands) {
      commands.push({ line, changes: own.map((index) => index + at) });
    }
    for (const [index, why] of some.refused) refused.set(index + at, why);
  }
  return { commands, refused };
}

async function ribLines(printed: readonly string[]): Promise<readonly RibLine[]> {
  const lines: RibLine[] = [];
  for (let at = 0; at < printed.length; at += linesPerTurn) {
    if (at > 0) await nextTurn();
    for (const text of printed.slice(at, at + linesPerTurn)) {
      const line = readRibLine(text);
      if (line !== null) lines.push(line);
    }
  }
  return lines;
}
