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
import type { Fault } from './quantities.js';
import type { Report } from './shape.js';
import { childPath, isPlainMap, type PlainMap, type PlainValue } from './yaml-source.js';

export type Environment = { readonly [name: string]: string | undefined };

type LeafSchema = {
  readonly default: unknown;
  readonly doc: string;
  readonly format: string;
  readonly nullable: boolean;
  readonly env?: string;
  readonly at: string;
  readonly leaf: Leaf<unknown>;
  readonly report: Report;
};
type ListSchema = Omit<LeafSchema, 'leaf'> & { readonly leaf: Leaf<unknown> | null };
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
type SchemaTree = { [key: string]: SchemaTree | LeafSchema | ListSchema };

class Refused extends Error {}

// convict keeps formats in one register of the process: ours carry a prefix.
const ownName = (format: FormatName | 'list'): string => `tidegate-${format}`;
for (const name of Object.keys(formats) as FormatName[]) {
  convict.addFormat({
    name: ownName(name),
    validate: (value: unknown, schema) => {
      const { at, leaf, report } = schema as LeafSchema;
      refuse(at, judge(name, value, leaf.demands), report);
    },
  });
}
convict.addFormat({
  name: ownName('list'),
  validate: (value: unknown, schema) => {
    const { at, leaf, report } = schema as ListSchema;
    if (!Array.isArray(value)) throw new Refused(`${at}: not a list`);
    if (leaf === null) return; // items that are sections have a convict schema each
    const faults = value.map((item, index) => ({
      at: `${at}[${index}]`,
      fault: judge(leaf.format, item, leaf.demands),
    }));
    for (const { at: itemAt, fault } of faults) if (fault !== null) report(itemAt, fault);
    if (faults.some(({ fault }) => fault !== null)) throw new Refused(at);
  },
});

function refuse(at: string, fault: Fault | null, report: Report): void {
  if (fault === null) return;
  report(at, fault);
  throw new Refused(`${at}: ${fault.message}`);
}

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
      const leaf = node.item.kind === 'leaf' ? node.item : null;
      tree[key] = { default: [], doc: node.doc, format: ownName('list'), nullable: false, at, leaf, report };
    } else if (node.kind === 'leaf') {
      const { doc, fallback, env } = node;
      const common = { doc, format: ownName(node.format), at, leaf: node, report };
      // To convict a required value is one whose default, null, its format refuses.
      tree[key] = {
        ...common,
        default: node.required ? null : fallback,
        nullable: fallback === null,
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
