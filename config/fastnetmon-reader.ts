/**
 * Typed values out of fastnetmon.conf. What FastNetMon would swallow (atoi, 'only on is true') is told:
 * as an error where the meaning is lost, as a warning where FastNetMon's own reading is kept.
 */

import type { FastnetmonSource, SourceRemark } from './fastnetmon-source.js';
import { quoted } from './quantities.js';
import type { Severity } from './settings.js';

export type OptionReader = {
  readonly has: (name: string) => boolean;
  readonly lineOf: (name: string) => number | null;
  readonly boolean: (name: string, fallback: boolean) => boolean;
  /** Bounds included; out of them is an error and gives the fallback. */
  readonly integer: (name: string, fallback: number, min: number, max: number) => number;
  readonly text: (name: string, fallback: string) => string;
  readonly list: (name: string) => readonly string[];
  readonly tell: (severity: Severity, name: string, message: string, remedy: string) => void;
};

const offWords = ['no', 'false', '0', 'off', 'disable', 'disabled', 'none', ''];
const onWords = ['yes', 'true', '1', 'on', 'enable', 'enabled'];

export function optionReader(
  { entries }: FastnetmonSource,
  remark: (remark: SourceRemark) => void,
): OptionReader {
  const lineOf = (name: string): number | null => entries.get(name)?.line ?? null;
  const tell = (severity: Severity, name: string, message: string, remedy: string): void =>
    remark({ severity, line: lineOf(name) ?? 1, key: name, message, remedy });
  return {
    has: (name) => entries.has(name),
    lineOf,
    tell,
    boolean: (name, fallback) => {
      const value = entries.get(name)?.value;
      if (value === undefined) return fallback;
      if (value === 'on' || value === 'off') return value === 'on';
      if (onWords.includes(value.toLowerCase())) {
        tell(
          'warning',
          name,
          `${quoted(value)} means off to FastNetMon, and is taken as off`,
          `write on, exactly so, or off`,
        );
      } else if (offWords.includes(value.toLowerCase())) {
        tell('warning', name, `${quoted(value)} is taken as off`, 'write off');
      } else tell('error', name, ...garbage(value, 'neither on nor off', 'write on or off'));
      return false;
    },
    integer: (name, fallback, min, max) => {
      const value = entries.get(name)?.value;
      if (value === undefined) return fallback;
      const range = `write a whole number from ${min} to ${max}`;
      if (/^-\d/.test(value)) tell('error', name, `${quoted(value)} is negative`, range);
      else if (!/^\+?\d+$/.test(value)) tell('error', name, ...garbage(value, 'not a whole number', range));
      else if (Number(value) < min || Number(value) > max)
        tell('error', name, `${quoted(value)} is out of range`, range);
      else return Number(value);
      return fallback;
    },
    text: (name, fallback) => entries.get(name)?.value ?? fallback,
    list: (name) => {
      const value = entries.get(name)?.value ?? '';
      if (value === '') return [];
      return value.split(',').map((part) => {
        const item = part.trim();
        if (item !== part && !/^\d*$/.test(item)) {
          tell(
            'warning',
            name,
            `there is a blank beside ${quoted(item)}, which FastNetMon takes for a part of it`,
            'remove the blanks around commas',
          );
        }
        return item;
      });
    },
  };
}

/** An inline comment is the usual cause, so it is named. */
function garbage(value: string, what: string, remedy: string): readonly [string, string] {
  return /\s#/.test(value)
    ? [
        `a comment on the same line belongs to the value, so ${quoted(value)} is ${what}`,
        'put the comment on a line of its own',
      ]
    : [`${quoted(value)} is ${what}`, remedy];
}
