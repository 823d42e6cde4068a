/**
 * Runs the notify script: hands jobs to the queue, starts what it names, logs what comes of it.
 *
 * `settled('started')` is called as soon as the program has been started, so that the ledger can write down that it
 * was told. A script that is missing, fails or hangs is counted, and its log line rate-limited.
 * At stop, running scripts may finish within the grace; after it they go on by themselves, each in its own process
 * group. Waiting jobs were never marked as told: `restarted` has the ledger hand them over to the next incarnation.
 */
import { type Pace, pace } from '../../domain/pace.js';
import type { Log, LogFields, ScriptOutcome, ScriptRunner } from '../../domain/ports.js';
import type { Result } from '../../domain/result.js';
import type { Milliseconds } from '../../domain/units.js';
import type { Behaviour, Context } from '../../supervision/behaviour.js';
import type { ChildSpec } from '../../supervision/spec.js';
import type { NotifyOutcome, ScriptMessage } from './messages.js';
import { emptyQueue, finish, offer, type ScriptQueue } from './queue.js';

export type ScriptDeps = {
  readonly run: ScriptRunner;
  readonly path: string;
  readonly timeoutMs: Milliseconds;
  /** Programs at once; jobs waiting. */
  readonly concurrency: number;
  readonly queue: number;
  /** Called when an incarnation starts, with nothing of an earlier one's jobs: main.ts tells the ledger. */
  readonly restarted: () => void;
};

type Notify = Extract<ScriptMessage, { kind: 'notify' }>;

type State = {
  readonly queue: ScriptQueue<Notify>;
  readonly runs: Set<Promise<void>>;
  started: number;
  failed: number;
  timedOut: number;
  /** One for each kind of complaint. */
  readonly paces: Map<string, Pace>;
};

/** A script is not stopped with its actor; its own time limit holds. */
const neverAborted = new AbortController().signal;
const stopGraceMs = 2000;
const complaintMs = 10_000;
const maxOutputLines = 50;
const mailboxSlack = 1024;

export const scriptActor = (deps: ScriptDeps): ChildSpec<State, ScriptMessage> => ({
  kind: 'actor',
  id: 'script',
  behaviour: () => scriptBehaviour(deps),
  restart: 'permanent',
  mailbox: { bound: deps.queue + mailboxSlack, overflow: { kind: 'drop_new' } },
  stopDeadlineMs: stopGraceMs + 500,
  busyLimitMs: 5000,
});

export const scriptBehaviour = (deps: ScriptDeps): Behaviour<State, ScriptMessage> => ({
  name: 'script',
  init() {
    deps.restarted();
    return {
      queue: emptyQueue(),
      runs: new Set(),
      started: 0,
      failed: 0,
      timedOut: 0,
      paces: new Map(),
    };
  },
  receive(state, message, context) {
    const bounds = { concurrency: deps.concurrency, waiting: deps.queue };
    switch (message.kind) {
      case 'notify': {
        const { start, out } = offer(state.queue, message, bounds);
        for (const job of start) launch(state, job, deps, context);
        for (const job of out) turnAway(state, job, context);
        return state;
      }
      case 'finished': {
        if (message.failed) state.failed++;
        if (message.timedOut) state.timedOut++;
        for (const job of finish(state.queue, message.attack, bounds)) launch(state, job, deps, context);
        return state;
      }
      case 'report': {
        const { queue, started, failed, timedOut } = state;
        const { running, waiting } = queue;
        message.reply({
          running,
          waiting,
          started,
          failed,
          timedOut,
          dropped: queue.dropped + queue.refused,
        });
        return state;
      }
    }
  },
  async stop(state, context) {
    if (state.runs.size === 0) return;
    const grace = new Promise<void>((resolve) => setTimeout(resolve, stopGraceMs).unref());
    await Promise.race([Promise.all(state.runs), grace]);
    if (state.runs.size > 0) context.log.warn('scripts go on after the stop', { running: state.runs.size });
  },
});

function launch(state: State, job: Notify, deps: ScriptDeps, context: Context<ScriptMessage>): void {
  const { attack, action, subject, direction, power, stdin } = job;
  const { log, self } = context;
  let settled = false;
  const settle = (outcome: NotifyOutcome): void => {
    if (settled) return;
    settled = true;
    if (outcome === 'started') state.started++;
    job.settled(outcome);
  };
  const running = deps.run(
    { path: deps.path, args: [subject, direction, String(power), action], stdin, timeoutMs: deps.timeoutMs },
    neverAborted,
    () => settle('started'),
  );
  const run = running
    .catch((error: unknown): Result<ScriptOutcome> => {
      return { ok: false, error: { code: 'SCRIPT_FAILED', detail: String(error) } };
    })
    .then((result) => {
      state.runs.delete(run);
      settle(endedUnstarted(result));
      logOutcome(state, job, result, context);
      const failed = !result.ok || result.value.exitCode !== 0;
      const timedOut = !result.ok && result.error.code === 'SCRIPT_TIMEOUT';
      // The queue of a later incarnation knows nothing of this run.
      if (!context.signal.aborted) self.send({ kind: 'finished', attack, action, failed, timedOut });
    });
  state.runs.add(run);
  log.debug('script handed to the system', { attack, subject, action });
}

/** What a run comes to that never said that it had started. */
function endedUnstarted(result: Result<ScriptOutcome>): NotifyOutcome {
  if (result.ok || result.error.code === 'SCRIPT_TIMEOUT') return 'started';
  return result.error.code === 'SCRIPT_MISSING' ? 'missing' : 'refused';
}

/** `settled` of a dropped `attack_details` is called too, so that its sender need not wait. */
function turnAway(state: State, job: Notify, context: Context<ScriptMessage>): void {
  job.settled('refused');
  const { attack, subject, action } = job;
  if (action === 'attack_details') {
    warn(state, context, 'script queue full: attack details dropped', 'dropped', { attack, subject });
  } else {
    warn(state, context, 'script queue full: waits at the ledger', 'refused', { attack, subject, action });
  }
}

function logOutcome(
  state: State,
  job: Notify,
  result: Result<ScriptOutcome>,
  context: Context<ScriptMessage>,
): void {
  const { attack, subject, action } = job;
  if (!result.ok) {
    const { code, detail } = result.error;
    warn(state, context, 'script did not run to its end', code, { attack, subject, action, code, detail });
    return;
  }
  const { exitCode, output, tookMs } = result.value;
  logOutput(context.log, job, output);
  if (exitCode === 0) context.log.info('script finished', { attack, subject, action, tookMs });
  else {
    const code = 'SCRIPT_FAILED';
    warn(state, context, 'script failed', code, { attack, subject, action, code, exitCode, tookMs });
  }
}

function logOutput(log: Log, { attack, action }: Notify, output: string): void {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  for (const line of lines.slice(0, maxOutputLines)) log.info('script said', { attack, action, line });
  const left = lines.length - maxOutputLines;
  if (left > 0) log.info('script said more', { attack, action, lines: left });
}

/** A line for each kind of complaint, at its own pace. */
function warn(
  state: State,
  context: Context<ScriptMessage>,
  phrase: string,
  kind: string,
  fields: LogFields,
): void {
  const own = state.paces.get(kind) ?? pace(complaintMs);
  state.paces.set(kind, own);
  const kept = own(context.clock.now());
  if (kept !== null) context.log.warn(phrase, { ...fields, kept });
}
