/**
 * Composition of the service: log, daemon and signals, from the first line to the exit.
 *
 * SIGTERM and SIGINT end it in order, also one that comes while it starts; a second one at once. SIGHUP opens the log
 * file anew and reloads.
 */
import type { Loaded, Settings } from '../config/settings.js';
import { failure, type Result, success } from '../domain/result.js';
import { type OpenLog, openLog } from '../integrations/log/pino-log.js';
import { type Daemon, startDaemon } from '../main.js';
import { keepHeapSmall } from './heap.js';

export type ServiceRequest = {
  readonly settings: Settings;
  readonly version: string;
  readonly load: () => Loaded;
  /** JSON lines on a terminal too. */
  readonly json: boolean;
  /** The daemon stands: sources are open, the control socket answers. */
  readonly started: () => void;
};

function openingLog({ log }: Settings, json: boolean): Result<OpenLog> {
  const format = json && log.format === 'auto' ? 'json' : log.format;
  try {
    return success(openLog({ ...log, format }, process.stdout.isTTY === true));
  } catch (error) {
    return failure(
      'LOG_UNWRITABLE',
      `log.file ${log.file}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

const endSignal = (): Promise<string> =>
  new Promise((done) => {
    let asked = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1);
        asked = true;
        done(signal);
      });
    }
  });

/** Resolves when the service has ended in order; a failure when it could not start or gave up. */
export async function runService(request: ServiceRequest): Promise<Result<void>> {
  // Signals from the first moment: a rotation of logs while the journal is read must not end the daemon, and who reads
  // "started" may stop it at once.
  const signal = endSignal();
  keepHeapSmall();
  let reopenLog = (): void => {};
  let running: Daemon | null = null;
  process.on('SIGHUP', () => {
    reopenLog();
    void running?.reload(); // the log says what came of it; before the start there is nothing to change
  });
  const opened = openingLog(request.settings, request.json);
  if (!opened.ok) return opened;
  const { log, reopen, setLevel, flush } = opened.value;
  reopenLog = reopen;
  try {
    const { version, load } = request;
    const started = await startDaemon(request.settings, {
      log,
      version,
      load,
      applyLog: ({ level }) => setLevel(level),
    });
    if (!started.ok) return started;
    running = started.value;
    return await serve(started.value, signal, opened.value, request.started);
  } finally {
    flush();
  }
}

async function serve(
  daemon: Daemon,
  signal: Promise<string>,
  { log, flush }: OpenLog,
  started: () => void,
): Promise<Result<void>> {
  try {
    flush(); // who is told that it runs may read why
    started();
    const end = await Promise.race([signal, daemon.ended]);
    if (end !== null && typeof end !== 'string') return { ok: false, error: end };
    log.info('stopping', { signal: end });
    return success(undefined);
  } finally {
    await daemon.stop();
  }
}
