/**
 * Talks to ExaBGP over its pipes: commands go out in order, 'done' and 'error' come back in the same order.
 *
 * Nothing in an answer says which command it belongs to, and other programs may use the same pipes. So every batch of
 * commands ends with a fence, a question whose answer looks like no other and keeps its place among the commands: what has
 * come before that answer is all that will. A batch whose answers cannot be told apart is told again command by command,
 * which changes nothing for what was carried out already.
 *
 * Bounds: `maxBatch` commands and `maxBatchBytes` unanswered (ExaBGP and its helper block each other when both pipes
 * between them are full), `maxAnswerLines` lines of one answer.
 */
import { failure, type Result, success } from '../../domain/result.js';
import type { Milliseconds } from '../../domain/units.js';
import { type AnswerPipe, type CommandPipe, isFault } from './exabgp-pipe.js';

export type Exchange = {
  /** Whether all that was asked has been answered. */
  readonly isSynced: () => boolean;
  /** Accounts for answers that are still to come. TIMEOUT: ExaBGP does not answer. */
  readonly sync: (signal: AbortSignal) => Promise<Result<void>>;
  /** The lines of one answer, and any that others have asked for. SPEAKER_REFUSED: 'error'. */
  readonly ask: (command: string, signal: AbortSignal) => Promise<Result<readonly string[]>>;
  /** One result a command, in their order. */
  readonly carryOut: (commands: readonly string[], signal: AbortSignal) => Promise<readonly Result<void>[]>;
  /** Takes away what nobody waits for. A reason: ExaBGP says that it ends, or the pipe is broken. */
  readonly drain: () => string | null;
};

/** Silence for this long is no answer. */
export const answerMs: Milliseconds = 2000;
/** Readers that open the pipe for each command are gone for a moment; a restart of ExaBGP takes longer. */
export const goneMs: Milliseconds = 300;
const quietMs: Milliseconds = 300;
const shortestPauseMs: Milliseconds = 1;
const longestPauseMs: Milliseconds = 16;
const maxBatch = 64;
const maxBatchBytes = 16_384;
const maxAnswerLines = 500_000;
const maxPartialLine = 65_536;
const writeBytes = 4096; // PIPE_BUF: a write of this many is never torn

/** Its answer is one line, whatever neighbours there are. */
const fence = 'show neighbor 0.0.0.0 summary';
const fenceAnswer = /^Peer\s+AS\s/;

type Line = { readonly kind: 'line'; readonly text: string };
type NoLine = { readonly kind: 'silent' | 'aborted' } | { readonly kind: 'lost'; readonly reason: string };
/** Between the command and the fence. */
type Answers = { readonly lines: readonly string[]; readonly ends: readonly ('done' | 'error')[] };

/** Writes whole lines, waiting while the pipe is full. `written` counts lines. */
export async function writeLines(
  pipe: CommandPipe,
  lines: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly written: number; readonly failed: Result<never> | null }> {
  let written = 0;
  let pauseMs = shortestPauseMs;
  let unreadSince: Milliseconds | null = null;
  while (written < lines.length) {
    if (signal.aborted) return { written, failed: failure('TIMEOUT', 'the pipe stayed full') };
    const { text, count } = chunk(lines, written);
    const taken = pipe.write(Buffer.from(text, 'latin1'));
    if (isFault(taken)) {
      unreadSince ??= performance.now();
      if (!taken.unread || performance.now() - unreadSince >= goneMs) {
        return { written, failed: failure('SPEAKER_UNREACHABLE', taken.fault) };
      }
    } else unreadSince = null;
    if (isFault(taken) || taken === 0) {
      await pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      continue;
    }
    written += count;
    pauseMs = shortestPauseMs;
  }
  return { written, failed: null };
}

/** As many whole lines as a pipe takes in one piece, at least one. */
function chunk(lines: readonly string[], from: number): { readonly text: string; readonly count: number } {
  let text = `${lines[from]}\n`;
  let count = 1;
  for (let at = from + 1; at < lines.length; at += 1, count += 1) {
    const more = `${lines[at]}\n`;
    if (text.length + more.length > writeBytes) break;
    text += more;
  }
  return { text, count };
}

export function openExchange(commands: CommandPipe, answers: AnswerPipe): Exchange {
  let lines: readonly string[] = [];
  let at = 0;
  let partial = '';
  /** Fences without an answer. */
  let fences = 0;
  /** At first not: answers to an earlier life of this program may be on their way. */
  let settled = false;

  /** Takes in what has come. A reason: nothing more will. */
  const take = (): string | null => {
    const text = answers.read();
    if (isFault(text)) return text.fault;
    if (text === null) return null;
    const parts = (partial + text).split('\n');
    partial = parts.pop() ?? '';
    if (partial.length > maxPartialLine) partial = '';
    lines = parts;
    at = 0;
    return parts.some(isShutdown) ? 'exabgp is shutting down' : null;
  };
  const next = async (silenceMs: Milliseconds, signal: AbortSignal): Promise<Line | NoLine> => {
    const end = performance.now() + silenceMs;
    for (let pauseMs = shortestPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const text = lines[at];
      if (text !== undefined) {
        at += 1;
        return { kind: 'line', text };
      }
      if (signal.aborted) return { kind: 'aborted' };
      const lost = take();
      if (lost !== null) return { kind: 'lost', reason: lost };
      if (at < lines.length) continue;
      if (performance.now() >= end) return { kind: 'silent' };
      await pause(pauseMs);
    }
  };

  /** What comes until all fences are answered. */
  const upToFence = async (signal: AbortSignal): Promise<Result<Answers>> => {
    const own: string[] = [];
    const ends: ('done' | 'error')[] = [];
    let isFence = false;
    let seen = 0;
    for (let count = 0; count < maxAnswerLines; count += 1) {
      const line = await next(seen > 0 ? quietMs : answerMs, signal);
      if (line.kind !== 'line') {
        // Those sent to an ExaBGP that was just starting may never be answered.
        if (line.kind !== 'silent' || seen === 0) return unanswered(line);
        fences = 0;
        return success({ lines: own, ends });
      }
      const end = endOf(line.text);
      if (isFence && end !== null) {
        seen += 1;
        fences -= 1;
        if (fences <= 0) return success({ lines: own, ends });
      } else if (end !== null) ends.push(end);
      isFence = fenceAnswer.test(line.text);
      if (end === null && !isFence) own.push(line.text);
    }
    return failure('SPEAKER_REFUSED', `more than ${maxAnswerLines} lines and no end`);
  };
  const converse = async (todo: readonly string[], signal: AbortSignal): Promise<Result<Answers>> => {
    settled = false;
    const sent = await writeLines(commands, [...todo, fence], signal);
    if (sent.written > todo.length) fences += 1;
    const answered = sent.failed ?? (await upToFence(signal));
    settled = answered.ok;
    return answered;
  };
  /** Asks, and then hears the silence: nothing asked before can be taken for an answer to what follows. */
  const sync = async (signal: AbortSignal): Promise<Result<void>> => {
    if (settled) return success(undefined);
    const answered = await converse([], signal);
    if (!answered.ok) return answered;
    settled = false;
    for (let count = 0; count < maxAnswerLines; count += 1) {
      const line = await next(quietMs, signal);
      if (line.kind === 'line') continue;
      if (line.kind !== 'silent') return unanswered(line);
      fences = 0;
      settled = true;
      return success(undefined);
    }
    return failure('SPEAKER_REFUSED', `more than ${maxAnswerLines} lines and no end`);
  };
  const begin = async (signal: AbortSignal): Promise<Result<void>> => {
    const synced = await sync(signal);
    if (!synced.ok) return synced;
    const lost = drain();
    return lost === null ? synced : failure('SPEAKER_UNREACHABLE', lost);
  };
  const drain = (): string | null => {
    const lost = take();
    at = lines.length;
    return lost;
  };

  const carryOut = async (todo: readonly string[], signal: AbortSignal): Promise<readonly Result<void>[]> => {
    const results: (Result<void> | undefined)[] = todo.map(() => undefined);
    const batches = batchesOf(todo).reverse();
    let end: Result<void> = failure('TIMEOUT', 'no answer');
    for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
      const ready = await begin(signal);
      if (!ready.ok) {
        end = ready;
        break;
      }
      const answered = await converse(
        batch.map((index) => todo[index] ?? ''),
        signal,
      );
      const read = answered.ok
        ? outcomes(
            answered.value.ends,
            batch.map((index) => todo[index] ?? ''),
          )
        : null;
      if (!answered.ok && (answered.error.code !== 'TIMEOUT' || signal.aborted)) {
        end = answered;
        break;
      }
      if (answered.ok && read === null) settled = false;
      if (read !== null) for (const [place, index] of batch.entries()) results[index] = read[place];
      else if (batch.length > 1) batches.push(...batch.map((index) => [index]).reverse());
      else results[batch[0] ?? 0] = answered.ok ? unanswered({ kind: 'silent' }) : answered;
    }
    return results.map((result) => result ?? end);
  };

  return {
    isSynced: () => settled,
    sync,
    async ask(command, signal) {
      const ready = await begin(signal);
      if (!ready.ok) return ready;
      const answered = await converse([command], signal);
      if (!answered.ok) return answered;
      const { lines: own, ends } = answered.value;
      if (ends.includes('done')) return success(own);
      if (ends.includes('error')) return refusal(command);
      settled = false;
      return unanswered({ kind: 'silent' });
    },
    carryOut,
    drain,
  };
}

/** Indices of commands that go out together. */
function batchesOf(todo: readonly string[]): (readonly number[])[] {
  const batches: number[][] = [];
  let bytes = 0;
  for (const [index, command] of todo.entries()) {
    const last = batches.at(-1);
    bytes += command.length + 1;
    if (last !== undefined && last.length < maxBatch && bytes <= maxBatchBytes) last.push(index);
    else {
      batches.push([index]);
      bytes = command.length + 1;
    }
  }
  return batches;
}

/**
 * One result a command. More answers than commands: others have spoken, but if nothing was refused nothing of ours was.
 * null: which answer is whose cannot be said.
 */
function outcomes(
  ends: readonly ('done' | 'error')[],
  todo: readonly string[],
): readonly Result<void>[] | null {
  if (ends.length > todo.length && !ends.includes('error')) return todo.map(() => success(undefined));
  if (ends.length > todo.length && !ends.includes('done')) return todo.map(refusal);
  if (ends.length !== todo.length) return null;
  return todo.map((command, place) => (ends[place] === 'done' ? success(undefined) : refusal(command)));
}

/** Version 5 answers in JSON when it was told so. */
const answerForm = /^(?:\{ ?"answer": ?"(done|error)".*\}|(done|error))$/;
function endOf(line: string): 'done' | 'error' | null {
  const [, json, text] = answerForm.exec(line) ?? [];
  const word = json ?? text;
  return word === 'done' || word === 'error' ? word : null;
}
const isShutdown = (line: string): boolean =>
  line === 'shutdown' || (line.startsWith('{') && /"(?:notification|answer)": ?"shutdown"/.test(line));

const refusal = (command: string): Result<never> =>
  failure('SPEAKER_REFUSED', `exabgp answers 'error' to '${command}'; its log says why`);

function unanswered(line: NoLine): Result<never> {
  switch (line.kind) {
    case 'silent':
      return failure('TIMEOUT', `exabgp has not answered for ${answerMs} ms`);
    case 'aborted':
      return failure('TIMEOUT', 'exabgp has not answered in time');
    case 'lost':
      return failure('SPEAKER_UNREACHABLE', line.reason);
  }
}

const pause = (ms: Milliseconds): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
