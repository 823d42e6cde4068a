/**
 * Lists of prefixes: networks_file, whitelist_file, FastNetMon's networks_list and networks_whitelist.
 *
 * One prefix or address a line, IPv4 or IPv6; '#' begins a comment; blank lines are skipped. Host bits
 * are cleared with a warning, a repeated prefix is noted, and any other line is an error.
 */
import { parsePrefixLenient } from '../domain/prefix.js';
import type { PrefixKey } from '../domain/units.js';
import { quoted } from './quantities.js';
import type { Severity } from './settings.js';

/** What the data plane's tables hold. */
export const maxPrefixes = 65_536;

export type ListRemark = {
  readonly severity: Severity;
  readonly line: number;
  readonly message: string;
  readonly remedy: string;
};
export type PrefixList = { readonly prefixes: readonly PrefixKey[]; readonly remarks: readonly ListRemark[] };

export function readPrefixList(text: string): PrefixList {
  const lines = new Map<PrefixKey, number>();
  const remarks: ListRemark[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = index + 1;
    const entry = raw.replace(/#.*$/, '').trim();
    if (entry === '') continue;
    const parsed = parsePrefixLenient(entry);
    if (!parsed.ok) {
      remarks.push({ severity: 'error', line, ...refusal(entry, parsed.error.detail) });
      continue;
    }
    const { prefix, hostBitsCleared } = parsed.value;
    if (hostBitsCleared) {
      remarks.push({
        severity: 'warning',
        line,
        message: `${quoted(entry)} has bits set beyond its length and is taken as ${prefix}`,
        remedy: `write ${prefix}`,
      });
    }
    const first = lines.get(prefix);
    if (first !== undefined) {
      remarks.push({
        severity: 'note',
        line,
        message: `${prefix} is listed again, first on line ${first}`,
        remedy: 'remove one of the two',
      });
    } else if (lines.size < maxPrefixes) {
      lines.set(prefix, line);
    } else {
      remarks.push({
        severity: 'error',
        line,
        message: `the list holds more than ${maxPrefixes} prefixes`,
        remedy: 'merge neighbours into shorter prefixes',
      });
      break;
    }
  }
  return { prefixes: [...lines.keys()], remarks };
}

function refusal(entry: string, detail: string): { readonly message: string; readonly remedy: string } {
  if (/[\s,;]/.test(entry)) {
    return {
      message: `${quoted(entry)} is more than one entry`,
      remedy: 'write one prefix or address a line',
    };
  }
  if (/^[0-9a-fA-F.:]+-[0-9a-fA-F.:]+$/.test(entry)) {
    return { message: `${quoted(entry)} is a range`, remedy: 'write it as prefixes, such as 192.0.2.0/24' };
  }
  const [message = '', remedy] = detail.split('; ');
  return { message, remedy: remedy ?? 'write a prefix or an address, such as 192.0.2.0/24 or 2001:db8::/32' };
}
