/**
 * Validation by convict: every section of the declaration becomes a convict schema with our formats,
 * is loaded, overlaid by the environment, validated, and read back with its defaults.
 *
 * All faults of all sections are reported by path. A value with a fault gives way to its default, an
 * item of a list without a required value to undefined, so that what depends on them can be judged too.
 */
import convict from 'convict';
import type { Keys, Leaf, List, Section, ValuesOf } from './declaration.js';
import { type FormatName, formats, judge } from './formats.js';
import type { Report } from './shape.js';
import { childPath, isPlainMap, type PlainMap, type PlainValue } from './yaml-source.js';

export type Environment = { readonly [name: string]: string | undefined };

/** What convict keeps of a key. It clones all of it but functions, once an instance: so it is little. */
type KeySchema = {
  readonly default: unknown;
  readonly doc: string;
  readonly format: string;
  readonly nullable: boolean;
  readonly env?: string;
  /** Reports what is wrong with a value; true when nothing is. */
  readonly accepts: (value: unknown) => boolean;
};
/** What is used of convict; its own types unfold every path of the schema, which ours are too deep for. */
type Config = {
  readonly load: (values: unknown) => unknown;
  readonly validate: (options: { readonly allowed: 'strict' }) => unknown;
  readonly getProperties: () => PlainMap;
};
type MakeConfig = (
  schema: SchemaTree,
  options: { readonly env: Environment; readonly args: readonly string[] },
) => Config;
type SchemaTree = { [key: string]: SchemaTree | KeySchema };

// convict keeps formats in one register of the process: ours carry a prefix.
const ownName = (format: FormatName | 'list'): string => `tidegate-${format}`;
for (const name of [...(Object.keys(formats) as FormatName[]), 'list'] as const) {
  convict.addFormat({
    name: ownName(name),
    validate: (value: unknown, schema) => {
      if (!(schema as KeySchema).accepts(value)) throw new Error(`refused as ${name}`);
    },
  });
}

const leafAccepts =
  (leaf: Leaf<unknown>, at: string, report: Report) =>
  (value: unknown): boolean => {
    const fault = judge(leaf.format, value, leaf.demands);
    if (fault !== null) report(at, fault);
    return fault === null;
  };

/** Items that are sections have a convict schema each. */
const listAccepts =
  (item: Leaf<unknown> | Section<Keys>, at: string, report: Report) =>
  (value: unknown): boolean => {
    if (!Array.isArray(value)) return false;
    if (item.kind === 'section') return true;
    const accepted = value.map((entry, index) => leafAccepts(item, `${at}[${index}]`, report)(entry));
    return accepted.every((one) => one);
  };

/** The values of `section` in `shaped`, which `shape.ts` has made. `path`: where the section lies. */
export function valuesOf<K extends Keys>(
  section: Section<K>,
  shaped: PlainMap,
  path: string,
  env: Environment,
  report: Report,
): ValuesOf<Section<K>> | null {
  const faulty = new Set<string>();
  const noted: Report = (at, fault) => {
    faulty.add(at);
    report(at, fault);
  };
  const config = (convict as unknown as MakeConfig)(schemaTree(section, path, noted), { env, args: [] });
  config.load(shaped);
  try {
    config.validate({ allowed: 'strict' });
  } catch (error) {
    // Every fault has been reported by its format; anything else is a bug of the declaration.
    if (faulty.size === 0) throw error;
  }
  const values = settled(section, config.getProperties(), path, faulty, report);
  return values as ValuesOf<Section<K>> | null;
}

function schemaTree(section: Section<Keys>, path: string, report: Report): SchemaTree {
  const tree: SchemaTree = {};
  for (const [key, node] of Object.entries(section.keys)) {
    const at = childPath(path, key);
    if (node.kind === 'section') {
      const inner = schemaTree(node, at, report);
      if (Object.keys(inner).length > 0) tree[key] = inner; // convict takes an empty schema for a value
    } else if (node.kind === 'list') {
      const accepts = listAccepts(node.item, at, report);
      tree[key] = { default: [], doc: node.doc, format: ownName('list'), nullable: false, accepts };
    } else if (node.kind === 'grammar') {
      // `shape.ts` has had it read: what is left of it is right.
      tree[key] = {
        default: [],
        doc: node.doc,
        format: ownName('list'),
        nullable: false,
        accepts: () => true,
      };
    } else if (node.kind === 'leaf') {
      const { doc, fallback, env } = node;
      tree[key] = {
        // To convict a required value is one whose default, null, its format refuses.
        default: node.required ? null : fallback,
        doc,
        format: ownName(node.format),
        nullable: fallback === null,
        accepts: leafAccepts(node, at, report),
        ...(env === null ? {} : { env }),
      };
    }
  }
  return tree;
}

/** Faulty values replaced and lists of sections validated. null: a required value is not there. */
function settled(
  section: Section<Keys>,
  values: PlainMap,
  path: string,
  faulty: ReadonlySet<string>,
  report: Report,
): object | null {
  const result: { [key: string]: unknown } = {};
  for (const [key, node] of Object.entries(section.keys)) {
    const at = childPath(path, key);
    const value = values[key];
    if (node.kind === 'leaf') {
      if (node.required && faulty.has(at)) return null;
      result[key] = faulty.has(at) ? node.fallback : value;
    } else if (node.kind === 'section') {
      result[key] = settled(node, isPlainMap(value) ? value : {}, at, faulty, report);
    } else if (node.kind === 'list') {
      const items = Array.isArray(value) ? (value as readonly PlainValue[]) : [];
      result[key] = items.map((item, index) => settledItem(node, item, `${at}[${index}]`, faulty, report));
    } else if (node.kind === 'grammar') {
      result[key] = value;
    }
  }
  return result;
}

function settledItem(
  { item }: List<Leaf<unknown> | Section<Keys>>,
  value: PlainValue,
  at: string,
  faulty: ReadonlySet<string>,
  report: Report,
): unknown {
  if (item.kind === 'leaf') return faulty.has(at) ? undefined : value;
  return valuesOf(item, isPlainMap(value) ? value : {}, at, {}, report) ?? undefined;
}
