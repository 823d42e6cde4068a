/** docs/configuration.md, made from the schema: every key with default, format, bounds and meaning. */
import type { Keys, Leaf, List, Node, Section } from './declaration.js';
import { fastnetmonOptions, type OptionSpec } from './fastnetmon-options.js';
import { maxFilterRules, maxFilterValues } from './flow-filter.js';
import { type FormatName, formats } from './formats.js';
import { protocolNumbers } from './protocol-names.js';
import { durationText, shareText, sizeText } from './quantities.js';
import { schema } from './schema.js';

type Row = { readonly key: string; readonly standard: string; readonly format: string; readonly doc: string };

/** The whole page; a test holds the file to it. */
export function configurationPage(): string {
  return `${[
    '# Configuration',
    '',
    '<!-- Made from config/schema.ts by config/document.ts; a test holds the two together. -->',
    '',
    "A `--config` that ends in `.conf` is read as FastNetMon's (see below), any other file as YAML 1.2.",
    'Without one the defaults hold. `tidegate check --config FILE` tells every fault at once, with its line and',
    'what would be right; an unknown key is a fault. Examples: `config/examples/`.',
    '',
    '## Quantities',
    '',
    '| format | how it is written |',
    '| --- | --- |',
    '| duration | a number with `ms`, `s`, `m`, `h` or `d`: `100ms`, `1900s`, `5m` |',
    '| size | whole bytes with `B`, `kB`, `KiB`, `MB`, `MiB`, `GB` or `GiB`: `32MiB` |',
    '| packets/s | a number, or one with `k`, `M`, `G` and `pps`: `20000`, `20kpps` |',
    '| Mbit/s | a number of megabits, or one with its unit: `1000`, `1Gbit`, `500mbps` |',
    '| flows/s | a number, or one with `k`, `M` and `flows`: `3500`, `3.5kflows` |',
    '| percentage | a number with `%`: `95%`, `99.9%` |',
    '| prefix | `192.0.2.0/24`, `2001:db8::/32`; bits beyond the length must be clear |',
    '| address:port | `0.0.0.0:6343`, `[::]:6343` for both families |',
    '| path | absolute, or relative to the directory of the configuration file |',
    '| list of prefixes (a file) | one prefix or address a line; `#` begins a comment; host bits are cleared with a warning |',
    '',
    'True and false are `true` and `false`: `yes`, `on` and the like are text in YAML 1.2 and refused.',
    '',
    '## Keys',
    '',
    '`[]` stands for each entry of a list. Where the default names another level, the key inherits.',
    '',
    ...table(rowsOf(schema, '')),
    '',
    '## Filters',
    '',
    'A rule says `drop` or `keep`, and below that which records are meant: all keys of a rule together, any of the',
    'values of a key. What stands below `not` must not be so, none of it. The first rule that matches decides; what',
    'none matches is kept, unless all rules say `keep`.',
    '',
    '```yaml',
    'filters:',
    '  - drop: {exporter: 192.0.2.1, input: [3, 4]}',
    '  - drop: {protocol: gre, not: {source_as: 64500}}',
    '  - keep: {port: [53, 1024-65535], address: 198.51.100.0/24}',
    '```',
    '',
    '| key | values |',
    '| --- | --- |',
    '| `exporter` | addresses or prefixes that datagrams come from |',
    '| `source`, `destination`, `address` (either) | addresses or prefixes |',
    '| `input`, `output`, `interface` (either) | ifIndex or a range of them |',
    '| `source_as`, `destination_as`, `as` (either) | AS numbers or ranges |',
    '| `source_port`, `destination_port`, `port` (either) | ports or ranges: `1024-65535` |',
    `| \`protocol\` | ${[...protocolNumbers.keys()].join(', ')}, or numbers |`,
    '',
    `At most ${maxFilterRules} rules, and ${maxFilterValues} values of a key. Records are filtered before they are counted; how`,
    'many were left out stands with each exporter in `tidegate status --json`.',
    '',
    '## Environment',
    '',
    '| variable | overrides |',
    '| --- | --- |',
    ...environmentRows(schema, ''),
    '',
    '## fastnetmon.conf',
    '',
    'Read as FastNetMon reads it: no inline comments, only `on` is on, the last of several lines wins, a host',
    "group inherits nothing, and what is absent has FastNetMon's default. What it would swallow is told: a number",
    'with trailing text, a line it skips, a `ban_for_*` without its threshold. `tidegate import FILE.conf` writes a',
    'YAML file of equal effect.',
    '',
    '| option | in YAML |',
    '| --- | --- |',
    ...fastnetmonOptions.flatMap(({ name, effect }) =>
      effect.kind === 'taken' ? [`| \`${name}\` | \`${effect.key}\` |`] : [],
    ),
    '',
    'The settings of the first rows exist for each host group as `<group>_<option>` too.',
    '',
    '### Known, not supported yet',
    '',
    ...untaken('later'),
    '',
    '### Known, not supported any more',
    '',
    ...untaken('gone'),
  ].join('\n')}\n`;
}

/** How the bounds of a format are written; others as they are. */
const boundTexts: { readonly [F in FormatName]?: (value: number) => string } = {
  size: sizeText,
  duration: durationText,
  ban_time: durationText,
  share: shareText,
};

function table(rows: readonly Row[]): readonly string[] {
  return [
    '| key | default | format | meaning |',
    '| --- | --- | --- | --- |',
    ...rows.map(({ key, standard, format, doc }) => `| \`${key}\` | ${standard} | ${format} | ${doc} |`),
  ];
}

function rowsOf(section: Section<Keys>, path: string): readonly Row[] {
  return Object.entries(section.keys).flatMap(([key, node]) =>
    nodeRows(node, path === '' ? key : `${path}.${key}`),
  );
}

function nodeRows(node: Node, key: string): readonly Row[] {
  switch (node.kind) {
    case 'leaf':
      return [{ key, standard: standardOf(node), format: formatOf(node), doc: node.doc }];
    case 'later':
      return [{ key, standard: '', format: 'any', doc: `${node.doc} Known, not supported yet.` }];
    case 'grammar':
      return [{ key, standard: 'none', format: node.words, doc: node.doc }];
    case 'section': {
      const own = node.doc === '' ? [] : [{ key, standard: '', format: 'keys', doc: node.doc }];
      return [...own, ...rowsOf(node, key)];
    }
    case 'list':
      return listRows(node, key);
  }
}

function listRows({ item, doc }: List<Leaf<unknown> | Section<Keys>>, key: string): readonly Row[] {
  const format = item.kind === 'leaf' ? `list: ${formatOf(item)}` : 'list';
  const own: Row = { key, standard: 'none', format, doc };
  return item.kind === 'leaf' ? [own] : [own, ...rowsOf(item, `${key}[]`)];
}

function standardOf({ fallback, fallbackWords, required }: Leaf<unknown>): string {
  if (required) return '**required**';
  if (fallbackWords !== null) return fallbackWords;
  return fallback === null ? 'none' : `\`${String(fallback)}\``;
}

function formatOf({ format, demands }: Leaf<unknown>): string {
  const { min, max, options } = demands;
  if (options !== undefined) return options.map((option) => `\`${option}\``).join(', ');
  const { words } = formats[format];
  if (min === undefined || max === undefined) return words;
  const text = boundTexts[format] ?? String;
  return `${words}, ${text(min)} to ${text(max)}`;
}

function environmentRows(section: Section<Keys>, path: string): readonly string[] {
  return Object.entries(section.keys).flatMap(([key, node]) => {
    const at = path === '' ? key : `${path}.${key}`;
    if (node.kind === 'section') return environmentRows(node, at);
    return node.kind === 'leaf' && node.env !== null ? [`| \`${node.env}\` | \`${at}\` |`] : [];
  });
}

function untaken(kind: 'later' | 'gone'): readonly string[] {
  const partsOf = (name: string): readonly OptionSpec[] =>
    fastnetmonOptions.filter(
      ({ effect }) => effect.kind !== 'taken' && typeof effect.told === 'object' && effect.told.with === name,
    );
  return [
    '| option | instead |',
    '| --- | --- |',
    ...fastnetmonOptions.flatMap(({ name, effect }) => {
      if (effect.kind !== kind || typeof effect.told === 'object') return [];
      const parts = partsOf(name).map((part) => `\`${part.name}\``);
      return [`| \`${name}\`${parts.length === 0 ? '' : ` with ${parts.join(', ')}`} | ${effect.instead} |`];
    }),
  ];
}
