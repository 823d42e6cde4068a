/**
 * Quantities as people write them: '1900s', '100ms', '20kpps', '1Gbit', '32MiB'.
 *
 * Durations and sizes always carry a unit. A rate may be bare where its key names the unit already
 * (`pps: 20000`). Every fault says what is wrong and what would be right.
 */
import type { Milliseconds } from '../domain/units.js';

export type Fault = { readonly message: string; readonly remedy: string };
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault };

export const read = <T>(value: T): Reading<T> => ({ ok: true, value });
export const misread = (message: string, remedy: string): Reading<never> => ({
  ok: false,
  fault: { message, remedy },
});

/** The value as it would be quoted to its writer, cut where it is long. */
export function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return `'${text.length > 60 ? `${text.slice(0, 57)}...` : text}'`;
}

const number = String.raw`(\d+(?:\.\d+)?)`;
const durationPattern = new RegExp(`^${number} ?([a-zA-Zµ]*)$`);
const msOfUnit: { readonly [unit: string]: number } = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

export function readDuration(value: unknown): Reading<Milliseconds> {
  const match = durationPattern.exec(String(value));
  if (typeof value === 'number' || (match !== null && match[2] === '')) {
    return misread(
      `${quoted(value)} is a duration without a unit`,
      `write ${Number(value) >= 0 ? Number(value) : 5}s, or the like with ms, s, m, h or d`,
    );
  }
  const unit = match === null ? undefined : msOfUnit[match[2] ?? ''];
  if (match === null || unit === undefined) {
    return misread(
      `${quoted(value)} is not a duration`,
      'write a number with ms, s, m, h or d, such as 1900s',
    );
  }
  return read(Number(match[1]) * unit);
}

/** The shortest exact text: 90000 is '90s', 300000 is '5m'. */
export function durationText(ms: Milliseconds): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const size = msOfUnit[unit] ?? 1;
    if (ms >= size && ms % size === 0 && (unit !== 'm' || ms % 60_000 === 0)) return `${ms / size}${unit}`;
  }
  return ms === 0 ? '0s' : `${ms}ms`;
}

const sizePattern = new RegExp(`^${number} ?([a-zA-Z]*)$`);
const bytesOfUnit: { readonly [unit: string]: number } = {
  B: 1,
  kB: 1e3,
  KiB: 1024,
  MB: 1e6,
  MiB: 1024 ** 2,
  GB: 1e9,
  GiB: 1024 ** 3,
};

/** Whole bytes. */
export function readSize(value: unknown): Reading<number> {
  const match = sizePattern.exec(String(value));
  if (typeof value === 'number' || (match !== null && match[2] === '')) {
    return misread(
      `${quoted(value)} is a size without a unit`,
      'write B, KiB, MiB or GiB after it, such as 32MiB',
    );
  }
  const unit = match === null ? undefined : bytesOfUnit[match[2] ?? ''];
  const bytes = match === null || unit === undefined ? Number.NaN : Number(match[1]) * unit;
  if (!Number.isInteger(bytes)) {
    return misread(
      `${quoted(value)} is not a size`,
      'write whole bytes with B, KiB, MiB or GiB, such as 32MiB',
    );
  }
  return read(bytes);
}

export function sizeText(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    const size = bytesOfUnit[unit] ?? 1;
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return `${bytes}B`;
}

const confidenceBounds = { least: 0.5, most: 0.9999 } as const;

/** '95%' → 0.95; null for 'off'. */
export function readConfidence(value: unknown): Reading<number | null> {
  if (value === 'off') return read(null);
  const remedy = 'write a percentage from 50% to 99.99%, such as 95%, or off';
  const match = /^(\d+(?:\.\d+)?) ?%$/.exec(String(value));
  // Digits are shifted, not divided, so that 99.9% is 0.999.
  const share = match === null ? Number.NaN : Number(`${match[1]}e-2`);
  if (Number.isNaN(share)) return misread(`${quoted(value)} is not a percentage`, remedy);
  if (share < confidenceBounds.least || share > confidenceBounds.most) {
    return misread(`${quoted(value)} is not between 50% and 99.99%`, remedy);
  }
  return read(share);
}

/** '90%' → 0.9. */
export function readShare(value: unknown): Reading<number> {
  const match = /^(\d+(?:\.\d+)?) ?%$/.exec(String(value));
  const share = match === null ? Number.NaN : Number(`${match[1]}e-2`);
  return share <= 1
    ? read(share)
    : misread(
        `${quoted(value)} is not a share of something`,
        'write a percentage from 0% to 100%, such as 90%',
      );
}

export const shareText = (share: number): string => `${Number(`${share}e2`)}%`;

export const confidenceText = (share: number | null): string =>
  share === null ? 'off' : `${Number(`${share}e2`)}%`;

/** What a threshold is counted in. */
export type RateUnit = 'packets' | 'bits' | 'flows';

const ratePattern = new RegExp(`^${number} ?([kKmMgGtT]?)([a-zA-Z/]*)$`);
const factorOf: { readonly [prefix: string]: number } = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };
const packetWords = ['pps', 'packets/s'];
const bitWords = ['bit', 'bits', 'bps', 'bit/s', 'bits/s'];
const flowWords = ['flows', 'fps', 'flows/s'];
const examples: { readonly [U in RateUnit]: string } = {
  packets: '20kpps or 20000',
  bits: '1Gbit, 500mbps or 1000 (megabits)',
  flows: '3500 or 3.5kflows',
};

/**
 * A rate in the metric's own unit: packets/s, 10^6 bits/s or flows/s; null for 'off', not judged.
 * Prefixes are decimal and case does not matter, but 'B' for bytes is refused where bits are meant.
 */
export function readRate(value: unknown, unit: RateUnit): Reading<number | null> {
  if (value === 'off') return read(null);
  const remedy = `write ${examples[unit]} per second, or off to judge nothing`;
  if (typeof value !== 'number' && typeof value !== 'string') {
    return misread(`${quoted(value)} is not a rate`, remedy);
  }
  const match = ratePattern.exec(String(value));
  const number = Number(match?.[1]);
  if (match === null || !Number.isFinite(number)) {
    return String(value).startsWith('-')
      ? misread(`${quoted(value)} is negative, and no rate is`, remedy)
      : misread(`${quoted(value)} is not a rate`, remedy);
  }
  const prefix = (match[2] ?? '').toLowerCase();
  const word = match[3] ?? '';
  const factor = factorOf[prefix] ?? 1;
  if (/Bps|B\/s|yte/.test(word))
    return misread(`${quoted(value)} counts bytes, thresholds count bits`, remedy);
  const found = unitOf(word.toLowerCase());
  if (found === 'none') return misread(`${quoted(value)} has an unknown unit`, remedy);
  if (found !== null && found !== unit) {
    return misread(`${quoted(value)} counts ${found}, this threshold counts ${unit}`, remedy);
  }
  if (number === 0) {
    return misread(
      'a threshold of 0 calls every packet an attack',
      'write off to judge nothing, or a rate above 0',
    );
  }
  if (unit !== 'bits') return read(number * factor);
  // A bare number is in megabits, the unit that the key names; a bare '1G' says nothing of the kind.
  if (found === null && prefix !== '') return misread(`${quoted(value)} has an unknown unit`, remedy);
  return read(found === null ? number : (number * factor) / 1e6);
}

function unitOf(word: string): RateUnit | 'none' | null {
  if (word === '') return null;
  if (packetWords.includes(word)) return 'packets';
  if (bitWords.includes(word)) return 'bits';
  return flowWords.includes(word) ? 'flows' : 'none';
}

/** 'true' and 'false' of YAML alone: 'yes', 'on' and 'nope' are text. */
export function readBoolean(value: unknown): Reading<boolean> {
  return typeof value === 'boolean'
    ? read(value)
    : misread(`${quoted(value)} is neither true nor false`, 'write true or false, without quotes');
}

export type Endpoint = { readonly address: string; readonly port: number };

/** '0.0.0.0:6343' or '[::]:6343'; the address is not looked at here. */
export function splitEndpoint(value: unknown): Reading<Endpoint> {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(String(value));
  if (match === null) {
    return misread(
      `${quoted(value)} is not an address with a port`,
      'write 0.0.0.0:6343, or [::]:6343 for IPv6',
    );
  }
  const port = Number(match[3]);
  if (!/^\d{1,5}$/.test(match[3] ?? '') || port < 1 || port > 65_535) {
    return misread(`${quoted(match[3])} is not a port`, 'a port is a number from 1 to 65535');
  }
  return read({ address: match[1] ?? match[2] ?? '', port });
}
