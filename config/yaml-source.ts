/**
 * A YAML 1.2 text as plain values, with the line of every key and item.
 *
 * Keys are addressed by path: 'capture.interfaces[0].name'. Anchors and aliases are followed, within
 * bounds. Syntax faults come back with their line; the values are then null, for nothing in them is sure.
 */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml';
import type { Fault } from './quantities.js';

export const maxConfigCharacters = 4_000_000;
const maxDepth = 32;
/** Aliases multiply: counted after following them. */
const maxNodes = 200_000;
/** Following one walks the whole document. */
const maxAliases = 1_000;

export type PlainValue = string | number | boolean | null | readonly PlainValue[] | PlainMap;
export type PlainMap = { readonly [key: string]: PlainValue };

export type SourceFault = Fault & { readonly line: number; readonly key: string | null };
export type YamlSource = {
  readonly value: PlainValue;
  /** The line of the path, or of the nearest level above it that has one; null for the root. */
  readonly lineOf: (path: string) => number | null;
  readonly faults: readonly SourceFault[];
};

export const isPlainMap = (value: PlainValue | undefined): value is PlainMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const childPath = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

export function readYaml(text: string): YamlSource {
  const lines = new Map<string, number>();
  const counter = new LineCounter();
  if (text.length > maxConfigCharacters) {
    const fault = {
      message: `the file has more than ${maxConfigCharacters} characters`,
      remedy: 'put long lists into networks_file',
      line: 1,
      key: null,
    };
    return { value: null, lineOf: () => null, faults: [fault] };
  }
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const lineAt = (offset: number): number => counter.linePos(offset).line;
  if (document.errors.length > 0) {
    const faults = document.errors.slice(0, 1).map((error) => ({
      ...syntaxFault(error.code, error.message, text.slice(error.pos[0], error.pos[0] + 80)),
      line: lineAt(error.pos[0]),
      key: null,
    }));
    // One syntax fault makes the parser stumble over what follows, so only duplicates are all told.
    const repeated = document.errors.slice(1).filter((error) => error.code === 'DUPLICATE_KEY');
    for (const error of document.errors[0]?.code === 'DUPLICATE_KEY' ? repeated : []) {
      faults.push({
        ...syntaxFault(error.code, error.message, text.slice(error.pos[0], error.pos[0] + 80)),
        line: lineAt(error.pos[0]),
        key: null,
      });
    }
    return { value: null, lineOf: () => null, faults };
  }
  const faults: SourceFault[] = [];
  const walk: Walk = { document, lines, lineAt, faults, nodes: 0, followed: new Map() };
  const value = plain(walk, document.contents, '', 0);
  return { value, lineOf: (path) => nearestLine(lines, path), faults };
}

type Walk = {
  readonly document: Document;
  readonly lines: Map<string, number>;
  readonly lineAt: (offset: number) => number;
  readonly faults: SourceFault[];
  nodes: number;
  readonly followed: Map<Alias, unknown>;
};

function plain(walk: Walk, given: unknown, path: string, depth: number): PlainValue {
  walk.nodes += 1;
  const node = isAlias(given) ? follow(walk, given) : given;
  const line = nearestLine(walk.lines, path) ?? 1;
  if (walk.nodes > maxNodes || depth > maxDepth) {
    const message =
      depth > maxDepth ? `nested more than ${maxDepth} levels deep` : `more than ${maxNodes} values`;
    if (!walk.faults.some((fault) => fault.message === message)) {
      walk.faults.push({ message, remedy: 'flatten it, or use fewer aliases', line, key: path });
    }
    return null;
  }
  if (isMap(node)) {
    const map: { [key: string]: PlainValue } = Object.create(null);
    for (const pair of node.items) {
      if (walk.nodes > maxNodes) break;
      const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
      const at = childPath(path, key);
      walk.lines.set(at, lineOfNode(walk, pair.key) ?? line);
      map[key] = plain(walk, pair.value, at, depth + 1);
    }
    return map;
  }
  if (isSeq(node)) {
    const list: PlainValue[] = [];
    for (const [index, item] of node.items.entries()) {
      if (walk.nodes > maxNodes) break;
      const at = `${path}[${index}]`;
      walk.lines.set(at, lineOfNode(walk, item) ?? line);
      list.push(plain(walk, item, at, depth + 1));
    }
    return list;
  }
  if (isScalar(node)) {
    const { value } = node;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
    return value === null || value === undefined ? null : String(value);
  }
  if (isAlias(given)) {
    walk.faults.push({
      ...(walk.followed.size < maxAliases
        ? {
            message: `the alias '*${given.source}' stands for nothing`,
            remedy: `define it above with '&${given.source}'`,
          }
        : {
            message: `the alias '*${given.source}' is one of more than ${maxAliases}`,
            remedy: 'write out what it stands for',
          }),
      line,
      key: path,
    });
  }
  return null;
}

/** What an alias stands for; nothing beyond `maxAliases`. */
function follow(walk: Walk, alias: Alias): unknown {
  const known = walk.followed.get(alias);
  if (known !== undefined) return known;
  const node = walk.followed.size < maxAliases ? alias.resolve(walk.document) : undefined;
  if (node !== undefined) walk.followed.set(alias, node);
  return node;
}

function lineOfNode(walk: Walk, node: unknown): number | null {
  const range = typeof node === 'object' && node !== null ? (node as Node).range : null;
  return range === null || range === undefined ? null : walk.lineAt(range[0]);
}

/** 'a.b[1].c', 'a.b[1]', 'a.b', 'a'. */
function nearestLine(lines: ReadonlyMap<string, number>, path: string): number | null {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(at.lastIndexOf('.'), at.lastIndexOf('['), 0))) {
    const line = lines.get(at);
    if (line !== undefined) return line;
  }
  return null;
}

function syntaxFault(code: string, message: string, found: string): Fault {
  switch (code) {
    case 'TAB_AS_INDENT':
      return { message: 'a tab is used as indentation', remedy: 'indent with blanks' };
    case 'DUPLICATE_KEY':
      return {
        message: `the key '${found.split(/[:\s]/, 1)[0]}' is set twice`,
        remedy: 'keep one of the two',
      };
    case 'MULTIPLE_DOCS':
      return {
        message: 'the file holds more than one YAML document',
        remedy: "remove the line '---' and what follows it",
      };
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return {
        message: 'a key stands where a value or less indentation was expected',
        remedy: 'check the indentation, and put quotes around a value that holds a colon',
      };
    case 'MISSING_CHAR':
      return {
        message: `something that was opened is not closed (${lowered(message)})`,
        remedy: 'close the quote or bracket',
      };
    default:
      return {
        message: `this is not YAML (${lowered(message)})`,
        remedy: 'check indentation, colons, quotes and brackets on this line',
      };
  }
}

const lowered = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
