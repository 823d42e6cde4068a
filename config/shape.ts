/**
 * The shape of a file against the declaration: known keys, mappings where mappings belong, lists where
 * lists belong. What does not fit is reported and left out, so that all else can still be validated.
 *
 * This comes before convict, which has no positions, stumbles over a mapping in place of a value, and
 * tells unknown keys without a hint.
 */
import type { Keys, Later, List, Node, Section } from './declaration.js';
import { formats } from './formats.js';
import { nearest } from './nearest.js';
import { type Fault, quoted } from './quantities.js';
import { childPath, isPlainMap, type PlainMap, type PlainValue } from './yaml-source.js';

export type Report = (path: string, fault: Fault) => void;
export type ShapeReports = {
  readonly fault: Report;
  /** A section that is known and on, but whose feature is not built yet. */
  readonly later: (path: string, what: Later) => void;
  /** A remedy for an unknown key that somebody else gives that name to, or null. */
  readonly foreign: (key: string) => string | null;
};

export function shapeSection(
  section: Section<Keys>,
  value: PlainValue,
  path: string,
  reports: ShapeReports,
): PlainMap {
  if (value === null) return {};
  if (!isPlainMap(value)) {
    reports.fault(path, mappingExpected(section, value, path));
    return {};
  }
  const shaped: { [key: string]: PlainValue } = {};
  for (const [key, inner] of Object.entries(value)) {
    const at = childPath(path, key);
    const node = Object.hasOwn(section.keys, key) ? section.keys[key] : undefined;
    if (node === undefined) {
      reports.fault(at, unknownKey(key, section, reports));
      continue;
    }
    const kept = shapeNode(node, inner, at, reports);
    if (kept !== null) shaped[key] = kept;
  }
  return shaped;
}

/** null: not set. */
function shapeNode(node: Node, value: PlainValue, path: string, reports: ShapeReports): PlainValue {
  if (value === null) return null;
  switch (node.kind) {
    case 'section': {
      const shaped = shapeSection(node, value, path, reports);
      return Object.keys(shaped).length === 0 ? null : shaped; // convict knows no section without values
    }
    case 'list':
      return shapeList(node, value, path, reports);
    case 'grammar':
      return node.read(value, path, reports.fault);
    case 'later':
      if (switchedOn(value)) reports.later(path, node);
      return null;
    case 'leaf': {
      if (typeof value !== 'object') return value;
      const found = Array.isArray(value) ? 'a list' : 'a mapping';
      reports.fault(path, {
        message: `${found} stands where one value belongs`,
        remedy: `write a single ${formats[node.format].words}`,
      });
      return null;
    }
  }
}

function shapeList(
  node: List<Node & { readonly kind: 'leaf' | 'section' }>,
  value: PlainValue,
  path: string,
  reports: ShapeReports,
): PlainValue {
  const { item, shorthand } = node;
  if (!Array.isArray(value)) {
    const remedy = isPlainMap(value)
      ? "put '- ' before each of its entries"
      : `write '- ${String(value).slice(0, 60)}' on a line of its own below the key`;
    reports.fault(path, {
      message: `${isPlainMap(value) ? 'a mapping' : quoted(value)} stands where a list belongs`,
      remedy,
    });
    return null;
  }
  return (value as readonly PlainValue[]).map((entry, index) => {
    const at = `${path}[${index}]`;
    if (item.kind === 'leaf') return shapeNode(item, entry, at, reports);
    if (shorthand !== null && typeof entry === 'string') return { [shorthand]: entry };
    return shapeSection(item, entry, at, reports);
  });
}

const switchedOn = (value: PlainValue): boolean => {
  if (value === false || value === 'off' || value === null) return false;
  if (Array.isArray(value)) return value.length > 0;
  return !isPlainMap(value) || (value.enabled !== false && Object.keys(value).length > 0);
};

function mappingExpected(section: Section<Keys>, value: PlainValue, path: string): Fault {
  const keys = Object.keys(section.keys).slice(0, 4).join(', ');
  const found = Array.isArray(value) ? 'a list' : quoted(value);
  return path === ''
    ? {
        message: `the file holds ${found} in place of keys with values`,
        remedy: 'begin with a key, such as networks:',
      }
    : { message: `${found} stands where keys with values belong`, remedy: `write keys below it: ${keys}` };
}

function unknownKey(key: string, section: Section<Keys>, reports: ShapeReports): Fault {
  const known = Object.keys(section.keys);
  const elsewhere = reports.foreign(key);
  const meant = elsewhere === null ? nearest(key, known) : null;
  if (key === '<<')
    return {
      message: 'merge keys (<<) are not supported',
      remedy: 'use an alias for the whole mapping, or repeat the keys',
    };
  return {
    message: `there is no key '${key.slice(0, 60)}' here`,
    remedy: meant !== null ? `did you mean '${meant}'?` : (elsewhere ?? `known keys: ${known.join(', ')}`),
  };
}
