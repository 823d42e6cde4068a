/**
 * A flowspec rule as ExaBGP prints it: 'destination-ipv4 192.0.2.7/32 protocol =udp source-port [ =53 >=123&<=124 ]'.
 *
 * Only what `domain/flowspec.ts` has words for; any other component, operator or offset makes it somebody else's rule.
 * 5 prints ports by name: those in no table have no number yet.
 */
import type { Family } from '../../domain/address.js';
import {
  emptyRule,
  type FlowspecRule,
  type FragmentKind,
  type NumberRange,
  type TcpFlagMatch,
} from '../../domain/flowspec.js';
import { parsePrefix } from '../../domain/prefix.js';
import type { PrefixKey } from '../../domain/units.js';
import type { Field } from './exabgp-attributes.js';
import { fragmentWords } from './exabgp-flow-text.js';
import { icmpTypeNames, portNames, protocolNames, tcpFlagNames } from './exabgp-names.js';

/** A port as printed. `name` null: by its number; `number` null: by a name that is in no table. */
export type Printed = { readonly name: string | null; readonly number: number | null };
/** `low` and `high` are the same value where it is one port. */
export type PrintedRange = { readonly low: Printed; readonly high: Printed };
export type PrintedRule = Omit<FlowspecRule, 'destinationPorts' | 'sourcePorts'> & {
  readonly destinationPorts: readonly PrintedRange[];
  readonly sourcePorts: readonly PrintedRange[];
};

type Building = { -readonly [Key in keyof PrintedRule]: PrintedRule[Key] };

/** The rule and how many of the fields are its; null when it is not one of ours in form. */
export function readFlowRule(
  family: Family,
  fields: readonly Field[],
): { readonly rule: PrintedRule; readonly used: number } | null {
  const rule: Building = { ...emptyRule(family), destinationPorts: [], sourcePorts: [] };
  let used = 0;
  for (const field of fields) {
    if (attributeNames.has(field.name)) break;
    if (!readComponent(rule, field)) return null;
    used += 1;
  }
  return { rule, used };
}

const attributeNames = new Set([
  'next-hop',
  'origin',
  'as-path',
  'as-sequence',
  'med',
  'local-preference',
  'atomic-aggregate',
  'aggregator',
  'originator-id',
  'cluster-list',
  'community',
  'large-community',
  'extended-community',
]);

function readComponent(rule: Building, { name, words }: Field): boolean {
  const items = itemsOf(words);
  switch (name) {
    case 'destination-ipv4':
    case 'destination-ipv6': {
      const prefix = printedPrefix(words);
      if (prefix !== null) rule.destination = prefix;
      return prefix !== null;
    }
    case 'source-ipv4':
    case 'source-ipv6': {
      const prefix = printedPrefix(words);
      if (prefix !== null) rule.source = prefix;
      return prefix !== null;
    }
    case 'protocol':
    case 'next-header':
      return whenAll(
        items.map((item) => single(item, protocolNames)),
        (all) => {
          rule.protocols = sorted(all);
        },
      );
    case 'icmp-type':
      return whenAll(
        items.map((item) => single(item, icmpTypeNames)),
        (all) => {
          rule.icmpTypes = sorted(all);
        },
      );
    case 'destination-port':
      return whenAll(items.map(portRange), (all) => {
        rule.destinationPorts = all;
      });
    case 'source-port':
      return whenAll(items.map(portRange), (all) => {
        rule.sourcePorts = all;
      });
    case 'packet-length':
      return whenAll(items.map(lengthRange), (all) => {
        rule.lengths = [...all].sort((a, b) => a.low - b.low);
      });
    case 'tcp-flags':
      return whenAll(items.length === 1 ? items.map(flags) : [null], (all) => {
        rule.tcpFlags = all[0] ?? null;
      });
    case 'fragment':
      return whenAll(items.map(fragment), (all) => {
        rule.fragments = (Object.keys(fragmentWords) as FragmentKind[]).filter((kind) => all.includes(kind));
      });
    default:
      return false;
  }
}

/** Words back to items: '=unknown', 'protocol', 'type', '200' are one. */
function itemsOf(words: readonly string[]): readonly string[] {
  const items: string[] = [];
  for (const word of words) {
    const before = items.at(-1);
    if (before?.includes('unknown') && !/\d$/.test(before)) items[items.length - 1] = `${before} ${word}`;
    else items.push(word);
  }
  return items;
}

function whenAll<T>(values: readonly (T | null)[], then: (values: readonly T[]) => void): boolean {
  const known = values.filter((value): value is T => value !== null);
  if (known.length !== values.length) return false;
  then(known);
  return true;
}

/** '192.0.2.7/32', '2001:db8::7/128/0': an offset that is not 0 is not ours. */
function printedPrefix(words: readonly string[]): PrefixKey | null {
  const parts = (words[0] ?? '').split('/');
  if (words.length !== 1 || parts.length > 3 || (parts[2] ?? '0') !== '0') return null;
  const prefix = parsePrefix(`${parts[0]}/${parts[1]}`);
  return prefix.ok ? prefix.value : null;
}

function number(text: string, names: { readonly [name: string]: number }): number | null {
  const digits = /^(?:unknown .* )?(\d+)$/.exec(text);
  return digits === null ? (names[text] ?? null) : Number(digits[1]);
}

const single = (item: string, names: { readonly [name: string]: number }): number | null =>
  item.startsWith('=') ? number(item.slice(1), names) : null;

const rangeForm = /^(?:>=([^&]+)&<=([^&]+)|=([^&=<>!]+))$/;

function portRange(item: string): PrintedRange | null {
  const found = rangeForm.exec(item);
  if (found === null) return null;
  const [, low, high, one] = found;
  const first = printedPort(low ?? one ?? '');
  return { low: first, high: high === undefined ? first : printedPort(high) };
}

const printedPort = (text: string): Printed =>
  /^\d+$/.test(text) ? { name: null, number: Number(text) } : { name: text, number: portNames[text] ?? null };

function lengthRange(item: string): NumberRange | null {
  const [, low, high, one] = rangeForm.exec(item) ?? [];
  const ends = [low ?? one ?? '', high ?? one ?? ''];
  return ends.every((end) => /^\d+$/.test(end)) ? { low: Number(ends[0]), high: Number(ends[1]) } : null;
}

/** '=syn+ack&!fin+rst', '!syn', '=0x12'. */
function flags(item: string): TcpFlagMatch | null {
  const form = /^(?:=([^&!=]+))?&?(?:!([^&!=]+))?$/.exec(item);
  if (form === null) return null;
  const on = flagBits(form[1]);
  const off = flagBits(form[2]);
  return on === null || off === null || (on | off) === 0 ? null : { set: on, mask: on | off };
}

function flagBits(text: string | undefined): number | null {
  let bits = 0;
  for (const name of text?.split('+') ?? []) {
    const bit = tcpFlagNames[name] ?? (/^(0x[0-9a-f]+|\d+)$/.test(name) ? Number(name) : null);
    if (bit === null) return null;
    bits |= bit;
  }
  return bits;
}

function fragment(item: string): FragmentKind | null {
  const found = Object.entries(fragmentWords).find(([, word]) => word === item);
  return (found?.[0] as FragmentKind | undefined) ?? null;
}

const sorted = (values: readonly number[]): readonly number[] => [...new Set(values)].sort((a, b) => a - b);
