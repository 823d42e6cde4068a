/**
 * `capture.filters`: which flow records count. A list of rules; each says `drop` or `keep`, and below that what a
 * record must be like: all keys together, any of a key's values. What stands below `not` must not be so, none of it.
 *
 *     - drop: {exporter: 192.0.2.1, input: [3, 4]}
 *     - keep: {port: [53, 1024-65535], not: {protocol: [gre, esp]}}
 *
 * Faults are told at their path, each with what would be right; a rule with a fault is left out.
 */
import { type FilterCondition, type FilterField, type FilterRule, filterFields } from '../domain/flow.js';
import type { PrefixKey } from '../domain/units.js';
import type { Grammar } from './declaration.js';
import { readPrefixOrAddress } from './formats.js';
import { nearest } from './nearest.js';
import { protocolNumbers } from './protocol-names.js';
import { type Fault, misread, quoted, type Reading, read } from './quantities.js';
import { childPath, isPlainMap, type PlainMap, type PlainValue } from './yaml-source.js';

export const maxFilterRules = 256;
/** Of one key. */
export const maxFilterValues = 1_024;

type Tell = (path: string, fault: Fault) => void;
type Range = readonly [number, number];

const actions = ['drop', 'keep'] as const;
const prefixFields: readonly FilterField[] = ['exporter', 'source', 'destination', 'address'];
const maxPort = 0xffff;
const maxProtocol = 0xff;
const maxNumber = 0xffff_ffff;

const boundOf = (field: FilterField): number => {
  if (field === 'protocol') return maxProtocol;
  return field.endsWith('port') ? maxPort : maxNumber;
};

const nounOf = (field: FilterField): string => {
  if (field.endsWith('port')) return 'a port';
  if (field.endsWith('as')) return 'an AS number';
  return field === 'protocol' ? 'a protocol' : 'an interface index';
};

export const filterGrammar = (doc: string): Grammar<FilterRule> => ({
  kind: 'grammar',
  doc,
  words: 'list of rules',
  read: readFilter,
});

export function readFilter(value: PlainValue, path: string, tell: Tell): readonly FilterRule[] {
  if (!Array.isArray(value)) {
    tell(path, {
      message: `${isPlainMap(value) ? 'a mapping' : quoted(value)} stands where a list of rules belongs`,
      remedy: "write each rule as '- drop: {…}' or '- keep: {…}' below the key",
    });
    return [];
  }
  const rules = value as readonly PlainValue[];
  if (rules.length > maxFilterRules) {
    tell(path, {
      message: `there are ${rules.length} rules; ${maxFilterRules} fit`,
      remedy: 'give one rule several values: [a, b]',
    });
    return [];
  }
  return rules.flatMap((rule, index) => readRule(rule, `${path}[${index}]`, tell) ?? []);
}

function readRule(value: PlainValue, path: string, tell: Tell): FilterRule | null {
  if (!isPlainMap(value)) {
    tell(path, {
      message: `${Array.isArray(value) ? 'a list' : quoted(value)} stands where a rule belongs`,
      remedy: 'write drop: {protocol: gre}, or the like',
    });
    return null;
  }
  const keys = Object.keys(value);
  const strange = keys.find((key) => !actions.some((action) => action === key));
  if (strange !== undefined) {
    const meant = nearest(strange, actions);
    tell(childPath(path, strange), {
      message: `a rule says drop or keep, not ${quoted(strange)}`,
      remedy:
        meant === null ? `write drop: {${strange}: …} or keep: {${strange}: …}` : `did you mean '${meant}'?`,
    });
    return null;
  }
  const [action, second] = actions.filter((one) => keys.includes(one));
  if (action === undefined || second !== undefined) {
    tell(path, {
      message:
        action === undefined ? 'the rule says neither drop nor keep' : 'the rule says both drop and keep',
      remedy: 'write one of the two; the first rule that matches decides',
    });
    return null;
  }
  const at = childPath(path, action);
  const conditions = readConditions(value[action] ?? null, at, false, tell);
  if (conditions === null) return null;
  if (conditions.length > 0) return { action, conditions };
  tell(at, {
    message: `the rule has no key, so it would ${action} everything`,
    remedy: 'say which records are meant, such as {protocol: gre}',
  });
  return null;
}

/** null: there was a fault. */
function readConditions(
  value: PlainValue,
  path: string,
  negated: boolean,
  tell: Tell,
): readonly FilterCondition[] | null {
  if (value === null) return [];
  if (!isPlainMap(value)) {
    tell(path, {
      message: `${Array.isArray(value) ? 'a list' : quoted(value)} stands where the keys of a record belong`,
      remedy: 'write {protocol: gre}, or the like',
    });
    return null;
  }
  const found = Object.entries(value).map(([key, inner]) => {
    const at = childPath(path, key);
    if (key === 'not') return negated ? notTwice(at, tell) : readNegated(inner, at, tell);
    const field = filterFields.find((one) => one === key);
    if (field === undefined) {
      tell(at, strangeField(key, value));
      return null;
    }
    return readCondition(field, inner, at, negated, tell);
  });
  return found.some((one) => one === null) ? null : found.flatMap((one) => one ?? []);
}

function readNegated(value: PlainValue, path: string, tell: Tell): readonly FilterCondition[] | null {
  const conditions = readConditions(value, path, true, tell);
  if (conditions === null || conditions.length > 0) return conditions;
  tell(path, {
    message: 'there is nothing below not',
    remedy: 'write not: {source_as: 64500}, or remove it',
  });
  return null;
}

function notTwice(path: string, tell: Tell): null {
  tell(path, { message: 'not stands within not', remedy: 'write the key itself, without either of them' });
  return null;
}

function strangeField(key: string, among: PlainMap): Fault {
  const known = filterFields.filter((field) => !Object.hasOwn(among, field));
  const meant = nearest(key, known);
  return {
    message: `a record has no ${quoted(key)}`,
    remedy: meant === null ? `known keys: ${filterFields.join(', ')}, not` : `did you mean '${meant}'?`,
  };
}

function readCondition(
  field: FilterField,
  value: PlainValue,
  path: string,
  negated: boolean,
  tell: Tell,
): readonly FilterCondition[] | null {
  const many = Array.isArray(value);
  const values = many ? (value as readonly PlainValue[]) : [value];
  if (values.length === 0 || values.length > maxFilterValues) {
    tell(path, {
      message:
        values.length === 0
          ? 'the list is empty, so nothing would match'
          : `more than ${maxFilterValues} values`,
      remedy:
        values.length === 0 ? 'list at least one value, or remove the key' : 'use ranges or shorter prefixes',
    });
    return null;
  }
  let faulty = false;
  const sure = <T>(reading: Reading<T>, index: number): readonly T[] => {
    if (reading.ok) return [reading.value];
    faulty = true;
    tell(many ? `${path}[${index}]` : path, reading.fault);
    return [];
  };
  const byPrefix = prefixFields.includes(field);
  const prefixes: readonly PrefixKey[] = byPrefix
    ? values.flatMap((one, index) => sure(readPrefixOrAddress(one), index))
    : [];
  const ranges: readonly Range[] = byPrefix
    ? []
    : values.flatMap((one, index) => sure(readRange(field, one), index));
  return faulty ? null : [{ field, negated, ranges, prefixes }];
}

/** '53', '1024-65535', 'gre'. */
function readRange(field: FilterField, value: PlainValue): Reading<Range> {
  const most = boundOf(field);
  const noun = nounOf(field);
  const remedy =
    field === 'protocol'
      ? 'write a name such as tcp, udp or gre, or a number from 0 to 255'
      : `write a number from 0 to ${most}, or a range such as ${field.endsWith('port') ? '1024-65535' : '1-100'}`;
  const named = field === 'protocol' ? protocolNumbers.get(String(value).toLowerCase()) : undefined;
  if (named !== undefined) return read([named, named]);
  const match = /^(\d{1,10})(?: ?- ?(\d{1,10}))?$/.exec(
    typeof value === 'number' || typeof value === 'string' ? String(value) : '',
  );
  if (match === null) {
    const meant = field === 'protocol' ? nearest(String(value), protocolNumbers.keys()) : null;
    return misread(`${quoted(value)} is not ${noun}`, meant === null ? remedy : `did you mean '${meant}'?`);
  }
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (first > most || last > most) return misread(`${quoted(value)} is too large for ${noun}`, remedy);
  if (first > last) return misread(`${quoted(value)} ends before it begins`, `write ${last}-${first}`);
  return read([first, last]);
}
