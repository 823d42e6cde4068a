/**
 * Terminal manners: colour only where somebody looks at it, tables that fit, figures that line up.
 *
 * Results go to stdout; remarks, progress and errors go to stderr, so that a pipe sees results alone.
 */
import { MultiBar, Presets } from 'cli-progress';
import Table from 'cli-table3';
import picocolors from 'picocolors';

export type Colors = ReturnType<typeof picocolors.createColors>;

export type Terminal = {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly colors: Colors;
  readonly errColors: Colors;
  /** Columns to keep within; Infinity when stdout is no terminal. */
  readonly width: number;
  readonly watched: boolean;
};

type Stream = { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };

/** NO_COLOR (no-color.org) and TERM=dumb switch colour off; nothing switches it on for a pipe but FORCE_COLOR. */
export function colourWanted(stream: Stream, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0';
  return stream.isTTY === true && env.TERM !== 'dumb';
}

export function terminal(
  stdout: Stream = process.stdout,
  stderr: Stream = process.stderr,
  env: NodeJS.ProcessEnv = process.env,
): Terminal {
  return {
    out: (text) => void stdout.write(`${text}\n`),
    err: (text) => void stderr.write(`${text}\n`),
    colors: picocolors.createColors(colourWanted(stdout, env)),
    errColors: picocolors.createColors(colourWanted(stderr, env)),
    width: stdout.isTTY ? (stdout.columns ?? 80) : Number.POSITIVE_INFINITY,
    watched: stderr.isTTY === true,
  };
}

export type Column = { readonly title: string; readonly align?: 'left' | 'right' };

const plain = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: this is what an SGR sequence is
const visible = (text: string) => text.replace(/\x1b\[[0-9;]*m/g, '').length;

/** Where the columns are wider than the terminal, the widest left-aligned one gives way, with an ellipsis. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const widths = columns.map((column, i) =>
    Math.max(column.title.length, ...rows.map((row) => visible(row[i] ?? ''))),
  );
  const total = widths.reduce((sum, w) => sum + w, 0) + 2 * (columns.length - 1);
  if (total > width) {
    const widest = widths.reduce(
      (best, w, i) => (columns[i]?.align !== 'right' && w > (widths[best] ?? 0) ? i : best),
      columns.findIndex((column) => column.align !== 'right'),
    );
    widths[widest] = Math.max(8, (widths[widest] ?? 0) - (total - width));
  }
  const drawn = new Table({
    head: columns.map((column) => column.title),
    chars: plain,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: columns.map((column) => column.align ?? 'left'),
    colWidths: widths,
  });
  drawn.push(...rows.map((row) => [...row]));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const steps = ['', 'k', 'M', 'G', 'T'] as const;

/** 41250 → '41.3k'. Three figures; whole below 1000. */
export function figure(value: number): string {
  let step = 0;
  let rest = value;
  while (Math.abs(rest) >= 999.5 && step < steps.length - 1) {
    rest /= 1000;
    step += 1;
  }
  const digits = step === 0 ? 0 : rest >= 99.95 ? 0 : rest >= 9.995 ? 1 : 2;
  return `${rest.toFixed(digits)}${steps[step] ?? ''}`;
}

/** 95 → '1m35s'; 4000 → '1h06m'. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)}s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`;
  if (whole < 86_400)
    return `${Math.floor(whole / 3600)}h${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')}m`;
  return `${Math.floor(whole / 86_400)}d${String(Math.floor((whole % 86_400) / 3600)).padStart(2, '0')}h`;
}

/** A bar on stderr for work of `size` units; silent where nobody watches. */
export function progressBar(view: Terminal, label: string, size: number) {
  if (!view.watched || size <= 0) return { at: (_done: number) => undefined, end: () => undefined };
  const bars = new MultiBar(
    {
      clearOnComplete: true,
      hideCursor: true,
      stream: process.stderr,
      format: `${label} {bar} {percentage}% {eta_formatted}`,
    },
    Presets.shades_grey,
  );
  const bar = bars.create(size, 0);
  return { at: (done: number) => bar.update(Math.min(done, size)), end: () => bars.stop() };
}
