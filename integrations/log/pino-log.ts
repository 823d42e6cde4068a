/**
 * The log port over pino: JSON lines, or lines for people on a terminal.
 *
 * Written in this process, so that SIGHUP can have the file opened anew after a rotation. A line is a phrase
 * with fields. A full disk loses lines, never the daemon; nobody waits for a file of JSON lines (log-file.ts).
 */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { destination, pino } from 'pino';
import pretty from 'pino-pretty';
import type { Log, LogFields } from '../../domain/ports.js';
import { openLogFile } from './log-file.js';

export type LogOptions = {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** null: stdout. */
  readonly file: string | null;
  /** 'auto': pretty where stdout is a terminal and no file is named. */
  readonly format: 'json' | 'pretty' | 'auto';
};

export type OpenLog = {
  readonly log: Log;
  readonly reopen: () => void;
  readonly setLevel: (level: LogOptions['level']) => void;
  /** Writes out what is buffered; for the end of the process. */
  readonly flush: () => void;
};

/** Throws when the file cannot be opened, with the reason that the system gives. */
export function openLog(options: LogOptions, terminal: boolean): OpenLog {
  if (options.file !== null && !existsSync(dirname(options.file))) {
    // one level: a recursive mkdir below /proc never returns in Node 20
    mkdirSync(dirname(options.file));
  }
  if (options.file !== null && options.format !== 'pretty') return openQuick(options.level, options.file);
  // synchronous: a line is a handful a second, and the last one before a crash is the one that is wanted
  const file = destination({ dest: options.file ?? 1, sync: true });
  // a full disk or a closed pipe must not end what guards a network
  file.on('error', () => undefined);
  const forPeople =
    options.format === 'pretty' || (options.format === 'auto' && options.file === null && terminal);
  const stream = forPeople
    ? pretty({
        destination: file,
        colorize: terminal && options.file === null,
        translateTime: 'SYS:HH:MM:ss.l',
        ignore: 'pid,hostname',
      })
    : file;
  const logger = pino(pinoOptions(options.level), stream);
  return {
    log: adapt(logger),
    reopen: () => {
      if (options.file !== null) file.reopen();
    },
    setLevel: (level) => {
      logger.level = level;
    },
    flush: () => file.flushSync(),
  };
}

const pinoOptions = (level: LogOptions['level']) => ({
  level,
  base: { pid: process.pid },
  timestamp: pino.stdTimeFunctions.isoTime,
});

function openQuick(level: LogOptions['level'], path: string): OpenLog {
  const file = openLogFile(path, (lines) => {
    const fields = { level: pino.levels.values.error, time: new Date().toISOString(), pid: process.pid };
    return `${JSON.stringify({ ...fields, lines, msg: 'log lines dropped: the disk is too slow' })}\n`;
  });
  const logger = pino(pinoOptions(level), file);
  process.on('exit', file.flush);
  return {
    log: adapt(logger),
    reopen: () => {
      try {
        file.reopen();
      } catch (error) {
        logger.error({ path, error: String(error) }, 'log file not opened anew: lines go to the old one');
      }
    },
    setLevel: (next) => {
      logger.level = next;
    },
    flush: file.flush,
  };
}

type PinoLike = {
  readonly debug: (fields: LogFields, phrase: string) => void;
  readonly info: (fields: LogFields, phrase: string) => void;
  readonly warn: (fields: LogFields, phrase: string) => void;
  readonly error: (fields: LogFields, phrase: string) => void;
  readonly child: (fields: LogFields) => PinoLike;
};

const adapt = (logger: PinoLike): Log => ({
  debug: (phrase, fields = {}) => logger.debug(fields, phrase),
  info: (phrase, fields = {}) => logger.info(fields, phrase),
  warn: (phrase, fields = {}) => logger.warn(fields, phrase),
  error: (phrase, fields = {}) => logger.error(fields, phrase),
  child: (fields) => adapt(logger.child(fields)),
});
