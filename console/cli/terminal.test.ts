import { describe, expect, test } from 'vitest';
import { colourWanted, duration, figure, table, terminal } from './terminal.js';

describe('figures', () => {
  const rows = [
    [0, '0'],
    [999, '999'],
    [999.6, '1.00k'],
    [41_250, '41.3k'],
    [99_960, '100k'],
    [1_000_000, '1.00M'],
    [2.5e13, '25.0T'],
  ] as const;
  for (const [value, text] of rows)
    test(`${value} is shown as ${text}`, () => expect(figure(value)).toBe(text));
});

describe('durations', () => {
  const rows = [
    [0.25, '0.3s'],
    [59, '59s'],
    [95, '1m35s'],
    [4000, '1h06m'],
    [90_000, '1d01h'],
  ] as const;
  for (const [seconds, text] of rows)
    test(`${seconds} s is shown as ${text}`, () => expect(duration(seconds)).toBe(text));
});

describe('colour', () => {
  const tty = { write: () => true, isTTY: true };
  const pipe = { write: () => true };
  test('a terminal gets it', () => expect(colourWanted(tty, {})).toBe(true));
  test('a pipe does not', () => expect(colourWanted(pipe, {})).toBe(false));
  test('NO_COLOR takes it from a terminal', () => expect(colourWanted(tty, { NO_COLOR: '1' })).toBe(false));
  test('FORCE_COLOR gives it to a pipe', () => expect(colourWanted(pipe, { FORCE_COLOR: '1' })).toBe(true));
  test('a dumb terminal does not get it', () => expect(colourWanted(tty, { TERM: 'dumb' })).toBe(false));
});

describe('tables', () => {
  const columns = [{ title: 'host' }, { title: 'pps', align: 'right' }, { title: 'why' }] as const;
  const rows = [
    ['192.0.2.7', '41.3k', 'a very long reason that does not fit into a narrow terminal'],
    ['2001:db8::1', '7', 'short'],
  ];
  test('columns line up and no line ends in blanks', () => {
    const lines = table(columns, rows, Number.POSITIVE_INFINITY).split('\n');
    expect(lines[0]?.indexOf('pps')).toBe((lines[1]?.indexOf('41.3k') ?? 0) + 2);
    for (const line of lines) expect(line).toBe(line.trimEnd());
  });
  test('no line is wider than the terminal', () => {
    for (const line of table(columns, rows, 50).split('\n')) expect(line.length).toBeLessThanOrEqual(50);
  });
  test('where nobody looks nothing is cut', () => {
    expect(table(columns, rows, terminal({ write: () => true }).width)).toContain('narrow terminal');
  });
});
