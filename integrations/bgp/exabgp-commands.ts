/**
 * What ExaBGP is told, as lines of its text interface; the same forms do for versions 4 and 5.
 *
 * A route with one standard community reads as FastNetMon writes it. Nothing goes into a line but numbers and
 * the canonical texts of prefixes and addresses, each checked here once more: what is not exactly one is
 * SPEAKER_REFUSED, so no text from elsewhere can end a line and begin a command of its own.
 */
import { parseHost } from '../../domain/address.js';
import type { Announcement, Communities, UnicastAnnouncement } from '../../domain/announcement.js';
import { parsePrefix } from '../../domain/prefix.js';
import { failure, type Result, success } from '../../domain/result.js';
import type { SpeakerChange } from '../../domain/speaker.js';
import { flowActionText, flowRuleText } from './exabgp-flow-text.js';

/** A large community (RFC 8092) that says: announced by us. */
export type LargeCommunity = readonly [asn: number, first: number, second: number];

/** One line without its end, and the indices of the changes that it carries out. */
export type Command = { readonly line: string; readonly changes: readonly number[] };

/** A pipe takes a line of up to PIPE_BUF bytes (4096) whole or not at all; one byte is the line's end. */
export const maxLineBytes = 4095;
/** Routes in one line: of IPv6, with many communities, well below `maxLineBytes`. */
const maxRoutesPerLine = 32;
const printable = /^[\x20-\x7e]+$/;

/** The line for one change. */
export function commandLine(
  { do: verb, announcement }: SpeakerChange,
  mark: LargeCommunity | null,
): Result<string> {
  const text =
    announcement.kind === 'unicast'
      ? routeText(verb, announcement, mark)
      : flowText(verb, announcement, mark);
  if (!text.ok) return text;
  if (text.value.length > maxLineBytes) {
    return failure(
      'SPEAKER_REFUSED',
      `a command of ${text.value.length} bytes is longer than ${maxLineBytes}`,
    );
  }
  return printable.test(text.value)
    ? text
    : failure('SPEAKER_REFUSED', 'a command would not be one line of text');
}

/**
 * The lines for many changes, in their order. `grouped`: neighbouring routes with the same attributes share a line
 * (ExaBGP 5 takes 1.6 ms a line). Refused changes have no line; `refused` says why, by index.
 */
export function commandLines(
  changes: readonly SpeakerChange[],
  mark: LargeCommunity | null,
  grouped: boolean,
): { readonly commands: readonly Command[]; readonly refused: ReadonlyMap<number, Result<never>> } {
  const commands: Command[] = [];
  const refused = new Map<number, Result<never>>();
  let group: { head: string; prefixes: string[]; indices: number[]; single: string } | null = null;
  const flush = (): void => {
    if (group === null) return;
    const { head, prefixes, indices, single } = group;
    commands.push({
      line: prefixes.length === 1 ? single : `${head} nlri ${prefixes.join(' ')}`,
      changes: indices,
    });
    group = null;
  };
  for (const [index, change] of changes.entries()) {
    const line = commandLine(change, mark);
    if (!line.ok) {
      refused.set(index, line);
      continue;
    }
    const { announcement } = change;
    if (!grouped || announcement.kind === 'flowspec') {
      flush();
      commands.push({ line: line.value, changes: [index] });
      continue;
    }
    const head = `${change.do} attributes ${attributesText(change.do, announcement, mark)}`;
    if (group !== null && (group.head !== head || group.prefixes.length >= maxRoutesPerLine)) flush();
    group ??= { head, prefixes: [], indices: [], single: line.value };
    group.prefixes.push(announcement.prefix);
    group.indices.push(index);
  }
  flush();
  return { commands, refused };
}

function routeText(
  verb: SpeakerChange['do'],
  route: UnicastAnnouncement,
  mark: LargeCommunity | null,
): Result<string> {
  for (const read of [
    canonical(parsePrefix(route.prefix), route.prefix),
    canonical(parseHost(route.nextHop), route.nextHop),
  ]) {
    if (!read.ok) return read;
  }
  const refused = refusedCommunities(route.communities);
  if (refused !== null) return failure('SPEAKER_REFUSED', refused);
  return success(`${verb} route ${route.prefix} ${attributesText(verb, route, mark)}`);
}

const attributesText = (
  verb: SpeakerChange['do'],
  { nextHop, communities }: UnicastAnnouncement,
  mark: LargeCommunity | null,
): string =>
  // FastNetMon withdraws by next hop alone; the prefix is what counts.
  [
    `next-hop ${nextHop}`,
    ...(verb === 'announce' ? communityParts(marked(communities, mark), true) : []),
  ].join(' ');

function flowText(
  verb: SpeakerChange['do'],
  { rule, action, communities }: Extract<Announcement, { kind: 'flowspec' }>,
  mark: LargeCommunity | null,
): Result<string> {
  for (const key of [rule.destination, rule.source]) {
    if (key === null) continue;
    const read = canonical(parsePrefix(key), key);
    if (!read.ok) return read;
  }
  const refused = refusedCommunities(communities);
  if (refused !== null) return failure('SPEAKER_REFUSED', refused);
  const match = flowRuleText(rule);
  if (!match.ok) return match;
  if (verb === 'withdraw') return success(`withdraw flow route ${match.value}`);
  const then = flowActionText(action, communities.extended);
  if (!then.ok) return then;
  const parts = communityParts(marked(communities, mark), false);
  return success(['announce flow route', match.value, ...parts, then.value].join(' '));
}

/** `extended`: an action stands among them, so a rule writes them itself. */
function communityParts(
  { standard, large, extended: digits }: Communities,
  extended: boolean,
): readonly string[] {
  return [
    ...listText(
      'community',
      standard.map((parts) => parts.join(':')),
    ),
    ...listText(
      'large-community',
      large.map((parts) => parts.join(':')),
    ),
    ...(extended
      ? listText(
          'extended-community',
          digits.map((one) => `0x${one}`),
        )
      : []),
  ];
}

/** As FastNetMon writes lists: a single one bare. */
const listText = (name: string, items: readonly string[]): readonly string[] =>
  items.length === 0 ? [] : [`${name} ${items.length === 1 ? items[0] : `[${items.join(' ')}]`}`];

function marked(communities: Communities, mark: LargeCommunity | null): Communities {
  if (mark === null || communities.large.some((one) => isSameLarge(one, mark))) return communities;
  return { ...communities, large: [...communities.large, mark] };
}

export const isSameLarge = (a: LargeCommunity, b: LargeCommunity): boolean =>
  a[0] === b[0] && a[1] === b[1] && a[2] === b[2];

const fits = (value: number, most: number): boolean => Number.isInteger(value) && value >= 0 && value <= most;

function refusedCommunities({ standard, large, extended }: Communities): string | null {
  if (!standard.every((parts) => parts.length === 2 && parts.every((part) => fits(part, 0xffff)))) {
    return 'a community is two numbers of 16 bits';
  }
  if (!large.every((parts) => parts.length === 3 && parts.every((part) => fits(part, 0xffffffff)))) {
    return 'a large community is three numbers of 32 bits';
  }
  return extended.every((digits) => /^[0-9a-f]{16}$/.test(digits))
    ? null
    : 'an extended community is 16 hexadecimal digits';
}

const canonical = (read: Result<string>, text: string): Result<string> =>
  read.ok && read.value === text
    ? read
    : failure('SPEAKER_REFUSED', `${JSON.stringify(text)} is no address or prefix`);
