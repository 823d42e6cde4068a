/**
 * What ExaBGP holds, from the lines of `show adj-rib out extensive`, one a neighbour and route:
 *
 *   neighbor 192.0.2.1 local-ip … family-allowed in-open ipv4 unicast 192.0.2.7/32 next-hop 10.0.3.114 community 65001:668
 *   neighbor 192.0.2.1 local-ip … family-allowed in-open ipv4 flow flow destination-ipv4 192.0.2.7/32 protocol =udp …
 *
 * A route is ours when its key is known or it carries the mark, which is taken off again. All others only count.
 */
import type { Family } from '../../domain/address.js';
import { type Announcement, announcementKey, announcementText } from '../../domain/announcement.js';
import type { FlowspecRule, NumberRange } from '../../domain/flowspec.js';
import { flowspecRuleText } from '../../domain/flowspec.js';
import { parsePrefix } from '../../domain/prefix.js';
import { fieldsOf, type PrintedAttributes, readAttributes } from './exabgp-attributes.js';
import { isSameLarge, type LargeCommunity } from './exabgp-commands.js';
import { type Printed, type PrintedRange, type PrintedRule, readFlowRule } from './exabgp-flow-parse.js';
import { portNames } from './exabgp-names.js';

/** One line. `announcement` null: in a form that is never ours. */
export type RibLine = {
  readonly neighbor: string;
  /** 'ipv4 unicast', 'ipv6 flow'. */
  readonly family: string;
  /** The route as printed: the same text at every neighbour that holds the same. */
  readonly text: string;
};

/** A route that is ours, and who holds it. More than one with the same key: neighbours hold different attributes. */
export type HeldRoute = {
  readonly announcement: Announcement;
  readonly family: string;
  readonly neighbors: ReadonlySet<string>;
};

export type Rib = { readonly ours: readonly HeldRoute[]; readonly foreign: number };

const routesPerTurn = 128;
/** The event loop has more to do than this. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const lineForm = /^neighbor (\S+) .*?\b(ipv4|ipv6) (unicast|flow) (?:flow )?(\S.*)$/;

export function readRibLine(line: string): RibLine | null {
  const found = lineForm.exec(line);
  if (found === null) return null;
  const [, neighbor = '', afi = '', safi = '', text = ''] = found;
  return { neighbor, family: `${afi} ${safi}`, text: text.trim() };
}

/**
 * All lines, sorted out. `told`: what this process last announced, by key; it decides where the print is ambiguous.
 * Each different route is read once, however many neighbours hold it, and some hundred in a turn of the event loop.
 */
export async function readRib(
  lines: readonly RibLine[],
  known: ReadonlySet<string>,
  mark: LargeCommunity | null,
  told: ReadonlyMap<string, Announcement>,
): Promise<Rib> {
  const routes = new Map<string, { readonly line: RibLine; readonly neighbors: Set<string> }>();
  for (const line of lines) {
    const id = `${line.family} ${line.text}`;
    const route = routes.get(id) ?? { line, neighbors: new Set() };
    route.neighbors.add(line.neighbor);
    routes.set(id, route);
  }
  const knownRules = [...new Set([...known, ...told.keys()])].filter((key) => key.startsWith('flowspec '));
  const ours: HeldRoute[] = [];
  let foreign = 0;
  let read = 0;
  for (const { line, neighbors } of routes.values()) {
    if (++read % routesPerTurn === 0) await nextTurn();
    const announcement = readRoute(line, known, knownRules, mark, told);
    if (announcement === null) foreign += 1;
    else ours.push({ announcement, family: line.family, neighbors });
  }
  return { ours, foreign };
}

function readRoute(
  { family, text }: RibLine,
  known: ReadonlySet<string>,
  knownRules: readonly string[],
  mark: LargeCommunity | null,
  told: ReadonlyMap<string, Announcement>,
): Announcement | null {
  const read = family.endsWith('flow')
    ? readFlow(family.startsWith('ipv6') ? 6 : 4, text, knownRules)
    : readUnicast(text);
  if (read === null) return null;
  const { announcement, attributes } = read;
  const isMarked = mark !== null && announcement.communities.large.some((one) => isSameLarge(one, mark));
  const key = announcementKey(announcement);
  if (!isMarked && !known.has(key)) return null;
  const bare = isMarked ? withoutMark(announcement, mark) : announcement;
  const last = told.get(key);
  return last !== undefined && attributes.opaque.length > 0 && isSameButOpaque(last, bare) ? last : bare;
}

type ReadRoute = { readonly announcement: Announcement; readonly attributes: PrintedAttributes };

function readUnicast(text: string): ReadRoute | null {
  const space = text.indexOf(' ');
  const prefix = parsePrefix(space < 0 ? text : text.slice(0, space));
  const attributes = readAttributes(fieldsOf(space < 0 ? '' : text.slice(space)));
  if (!prefix.ok || attributes.nextHop === null) return null;
  const { nextHop, communities } = attributes;
  return { announcement: { kind: 'unicast', prefix: prefix.value, nextHop, communities }, attributes };
}

function readFlow(family: Family, text: string, knownRules: readonly string[]): ReadRoute | null {
  const fields = fieldsOf(text);
  const read = readFlowRule(family, fields);
  if (read === null) return null;
  const attributes = readAttributes(fields.slice(read.used));
  const rule = numbered(read.rule, knownRules);
  if (rule === null || attributes.action === null) return null;
  const { action, communities } = attributes;
  return { announcement: { kind: 'flowspec', rule, action, communities }, attributes };
}

/**
 * The rule with numbers for all ports. Where it has a name, the known rules are asked first: 5 prints 'compressnet' for 2 and for 3.
 * null: a name stands in it that neither the tables nor exactly one known rule explain.
 */
function numbered(rule: PrintedRule, knownRules: readonly string[]): FlowspecRule | null {
  const byTable = withPorts(rule, ({ number }) => number);
  if (byTable !== null && knownRules.includes(`flowspec ${flowspecRuleText(byTable)}`)) return byTable;
  if (!portsOf(rule).some(({ name }) => name !== null)) return byTable;
  const form = ruleForm(rule);
  const names = portsOf(rule).flatMap(({ name }) => name ?? []);
  const fitting = knownRules
    .map((key) => form.exec(key))
    .filter((found) => found !== null)
    .filter((found) => names.every((name, at) => mayBeNamed(Number(found[at + 1]), name)));
  const [match] = fitting;
  if (fitting.length !== 1 || match === undefined) return byTable;
  const numbers = match.slice(1).map(Number);
  return withPorts(rule, ({ name, number }) => (name === null ? number : (numbers.shift() ?? null)));
}

/** A port whose name is in the table has no other. */
const mayBeNamed = (port: number, name: string): boolean =>
  (namesOfPorts.get(port) ?? name) === name && (portNames[name] ?? port) === port;
const namesOfPorts = new Map(Object.entries(portNames).map(([name, port]) => [port, name]));

const portsOf = (rule: PrintedRule): readonly Printed[] =>
  [...rule.destinationPorts, ...rule.sourcePorts].flatMap(({ low, high }) =>
    low === high ? [low] : [low, high],
  );

/** `port` is asked in the order of `portsOf`. */
function withPorts(rule: PrintedRule, port: (printed: Printed) => number | null): FlowspecRule | null {
  let whole = true;
  const numberOf = (printed: Printed): number => {
    const number = port(printed);
    whole &&= number !== null;
    return number ?? 0;
  };
  const range = ({ low, high }: PrintedRange): NumberRange => {
    const first = numberOf(low);
    return { low: first, high: low === high ? first : numberOf(high) };
  };
  const destinationPorts = inOrder(rule.destinationPorts.map(range));
  const sourcePorts = inOrder(rule.sourcePorts.map(range));
  return whole ? { ...rule, destinationPorts, sourcePorts } : null;
}

const inOrder = (ranges: readonly NumberRange[]): readonly NumberRange[] =>
  [...ranges].sort((a, b) => a.low - b.low);

/** Fits the keys of the rules that this can be: any number where a name is printed. */
function ruleForm(rule: PrintedRule): RegExp {
  const bare: FlowspecRule = { ...rule, destinationPorts: [], sourcePorts: [] };
  const [before, after] = splitAtPorts(bare);
  const form = [
    ...before.map(literally),
    ...portsForm('destination-port', rule.destinationPorts),
    ...portsForm('source-port', rule.sourcePorts),
    ...after.map(literally),
  ];
  return new RegExp(`^flowspec ${form.join(' ')}$`);
}

/** The text of a rule without ports, before and after where they would stand. */
function splitAtPorts(rule: FlowspecRule): readonly [readonly string[], readonly string[]] {
  const text = (part: FlowspecRule): readonly string[] => {
    const written = flowspecRuleText(part);
    return written === '' ? [] : [written];
  };
  const behind = { icmpTypes: [], tcpFlags: null, lengths: [], fragments: [] };
  const infront = { destination: null, source: null, protocols: [] };
  return [text({ ...rule, ...behind }), text({ ...rule, ...infront })];
}

function portsForm(name: string, ranges: readonly PrintedRange[]): readonly string[] {
  if (ranges.length === 0) return [];
  const end = (printed: Printed): string => (printed.name === null ? String(printed.number) : '(\\d+)');
  return [
    `${name} ${ranges.map(({ low, high }) => (low === high ? end(low) : `${end(low)}-${end(high)}`)).join(',')}`,
  ];
}

const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function withoutMark(announcement: Announcement, mark: LargeCommunity): Announcement {
  const { communities } = announcement;
  const large = communities.large.filter((one) => !isSameLarge(one, mark));
  return { ...announcement, communities: { ...communities, large } };
}

/** Some of the extended communities have no way back from their print: all else must be the same. */
function isSameButOpaque(told: Announcement, printed: Announcement): boolean {
  const open = (announcement: Announcement): string => {
    const extended = announcement.communities.extended.filter((one) =>
      printed.communities.extended.includes(one),
    );
    return announcementText({ ...announcement, communities: { ...announcement.communities, extended } });
  };
  return open(told) === open(printed);
}
