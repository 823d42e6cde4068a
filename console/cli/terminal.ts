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

export type Column = {
  readonly title: string;
  /** A right-aligned column, of figures, is never cut. */
  readonly align?: 'left' | 'right';
  /** Never cut, such as an address. */
  readonly whole?: boolean;
  /** Left out where the terminal is too narrow for all; the lowest goes first. */
  readonly spare?: number;
};

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

const gap = 2;
const narrowest = 8;
const widthOf = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width, 0) + gap * Math.max(0, widths.length - 1);

type Fitted = { readonly column: Column; readonly index: number; width: number };

/** Which columns are shown, and how wide: spare ones go, then what may be cut gives way, the widest first. */
function fitted(columns: readonly Column[], natural: readonly number[], width: number): readonly Fitted[] {
  const fluid = ({ align, whole }: Column): boolean => align !== 'right' && whole !== true;
  const least = (shown: readonly Fitted[]): number =>
    widthOf(shown.map((one) => (fluid(one.column) ? Math.min(narrowest, one.width) : one.width)));
  let shown = columns.map((column, index): Fitted => ({ column, index, width: natural[index] ?? 0 }));
  const spares = shown
    .filter(({ column }) => column.spare !== undefined)
    .sort((a, b) => (a.column.spare ?? 0) - (b.column.spare ?? 0));
  for (const spare of spares) {
    if (least(shown) <= width) break;
    shown = shown.filter((one) => one !== spare);
  }
  let over = widthOf(shown.map((one) => one.width)) - width;
  while (over > 0) {
    const [widest] = shown
      .filter((one) => fluid(one.column) && one.width > narrowest)
      .sort((a, b) => b.width - a.width);
    if (widest === undefined) break;
    widest.width -= 1;
    over -= 1;
  }
  return shown;
}

/** No line is wider than `width`, down to what addresses and figures need. What is cut ends in an ellipsis. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const natural = columns.map((column, i) =>
    rows.reduce((widest, row) => Math.max(widest, visible(row[i] ?? '')), column.title.length),
  );
  const shown = fitted(columns, natural, width);
  const drawn = new Table({
    head: shown.map(({ column }) => column.title),
    chars: plain,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: shown.map(({ column }) => column.align ?? 'left'),
    colWidths: shown.map((one) => one.width),
  });
  for (const row of rows) drawn.push(shown.map(({ index }) => row[index] ?? ''));
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
