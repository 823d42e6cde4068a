/**
 * The syntax of fastnetmon.conf, as FastNetMon reads it: one 'name = value' a line, blanks trimmed, '#'
 * only at the beginning of a line, runs of '=' as one, and exactly one of them. The last of several lines
 * with a name wins, except that every 'hostgroup' line counts.
 *
 * FastNetMon logs a line that it cannot parse and goes on without it; to us it is an error.
 */
import { maxFindings } from './findings.js';
import { quoted } from './quantities.js';
import type { Severity } from './settings.js';

export type Entry = { readonly value: string; readonly line: number };
export type SourceRemark = {
  readonly severity: Severity;
  readonly line: number;
  readonly key: string | null;
  readonly message: string;
  readonly remedy: string;
};
export type FastnetmonSource = {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly hostgroups: readonly Entry[];
  readonly remarks: readonly SourceRemark[];
};

/** A file has some 130 options, and 20 lines a host group. */
const maxLines = 100_000;

export function readFastnetmonConf(text: string): FastnetmonSource {
  const entries = new Map<string, Entry>();
  const hostgroups: Entry[] = [];
  const remarks: SourceRemark[] = [];
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  for (const [index, raw] of lines.slice(0, maxLines).entries()) {
    const line = index + 1;
    const content = raw.trim();
    if (content === '' || content.startsWith('#')) continue;
    const [name = '', value, ...more] = content.split(/=+/).map((part) => part.trim());
    if (value === undefined || more.length > 0 || name === '') {
      remarks.push({ severity: 'error', line, key: null, ...lineFault(content, name, value) });
      continue;
    }
    if (name === 'hostgroup') {
      hostgroups.push({ value, line });
      continue;
    }
    const before = entries.get(name);
    if (before !== undefined) {
      remarks.push({
        severity: 'warning',
        line,
        key: name,
        message: `it is set again, first on line ${before.line}; the last one wins`,
        remedy: 'keep one of the two lines',
      });
    }
    entries.set(name, { value, line });
  }
  if (lines.length > maxLines) {
    const message = `the file has more than ${maxLines} lines`;
    remarks.push({
      severity: 'error',
      line: maxLines,
      key: null,
      message,
      remedy: 'put networks into networks_list_path',
    });
  }
  return { entries, hostgroups, remarks: remarks.slice(0, 3 * maxFindings) };
}

function lineFault(
  content: string,
  name: string,
  value: string | undefined,
): { readonly message: string; readonly remedy: string } {
  if (value === undefined)
    return {
      message: `${quoted(content)} is not 'name = value'`,
      remedy: "put a '=' between name and value, or '#' before a comment",
    };
  if (name === '')
    return {
      message: `${quoted(content)} has no name before '='`,
      remedy: 'write the name of an option before it',
    };
  return {
    message: `the value of '${name}' holds a '='`,
    remedy: "one '=' a line is allowed: FastNetMon skips this line too",
  };
}
