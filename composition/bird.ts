/**
 * What bird says, read: its table with all attributes (`birdc show route all`), and its log of every route that came
 * and went, which is how a test knows that a withdrawal never happened. bird 2.0.
 */
export type BirdRoute = {
  /** '203.0.113.7/32', 'flow4 { dst 203.0.113.7/32; proto 17; }'. */
  readonly what: string;
  /** The name of the protocol it was learnt by. */
  readonly from: string;
  readonly nextHop: string | null;
  readonly asPath: readonly number[];
  readonly origin: string | null;
  readonly localPreference: number | null;
  /** As bird writes them: '(65001,666)', '(65001, 1, 2)', '(generic, 0x80060000, 0x0)', in its order. */
  readonly communities: readonly string[];
  readonly largeCommunities: readonly string[];
  readonly extendedCommunities: readonly string[];
};

export type BirdChannel = 'ipv4' | 'ipv6' | 'flow4' | 'flow6';
export type BirdChange = {
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** A route in the place of another is `added` or `updated`; `removed` leaves nothing. */
  readonly do: 'added' | 'updated' | 'removed';
  readonly channel: BirdChannel;
  readonly what: string;
};
export type BirdSession = { readonly atMs: number; readonly state: 'up' | 'down' };

/** '203.0.113.7/32   blackhole [speaker 08:52 from 10.255.0.1] * (100) [AS65001?]'; a rule's text has blanks of its own. */
const head = /^(flow[46] \{.*?\}|\S+)\s+(?:\S+\s+)?\[(\S+) /;

/** The answer to `birdc show route all`. */
export function readRoutes(text: string): readonly BirdRoute[] {
  const routes: { what: string; from: string; attributes: Map<string, string> }[] = [];
  for (const line of text.split('\n')) {
    const found = head.exec(line);
    const [, what, from] = found ?? [];
    if (what !== undefined && from !== undefined) routes.push({ what, from, attributes: new Map() });
    const [, name, value] = /^\s+BGP\.(\w+): ?(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) routes.at(-1)?.attributes.set(name, value.trim());
  }
  return routes.map(({ what, from, attributes }) => {
    const tuples = (name: string): readonly string[] => attributes.get(name)?.match(/\([^)]*\)/g) ?? [];
    const preference = attributes.get('local_pref');
    return {
      what,
      from,
      nextHop: attributes.get('next_hop') ?? null,
      asPath: (attributes.get('as_path') ?? '').split(' ').filter(Boolean).map(Number),
      origin: attributes.get('origin') ?? null,
      localPreference: preference === undefined ? null : Number(preference),
      communities: tuples('community'),
      largeCommunities: tuples('large_community'),
      extendedCommunities: tuples('ext_community'),
    };
  });
}

const changed =
  /^(\S+ \S+) <TRACE> (\w+)\.(ipv4|ipv6|flow4|flow6) > (added|updated|removed) \[\w+\] (flow[46] \{.*?\}|\S+)/;
const turned = /^(\S+ \S+) <TRACE> (\w+): State changed to (up|down)$/;

/** bird logs its own time of day. */
const atMs = (stamp: string): number => new Date(stamp.replace(' ', 'T')).getTime();

/** Every route of `protocol` that came or went, in order. */
export const readChanges = (log: string, protocol: string): readonly BirdChange[] =>
  log.split('\n').flatMap((line): readonly BirdChange[] => {
    const [, stamp, name, channel, what, route] = changed.exec(line) ?? [];
    if (stamp === undefined || route === undefined || name !== protocol) return [];
    return [
      {
        atMs: atMs(stamp),
        do: what as BirdChange['do'],
        channel: channel as BirdChannel,
        what: route,
      },
    ];
  });

export const readSessions = (log: string, protocol: string): readonly BirdSession[] =>
  log.split('\n').flatMap((line): readonly BirdSession[] => {
    const [, stamp, name, state] = turned.exec(line) ?? [];
    if (stamp === undefined || name !== protocol) return [];
    return [{ atMs: atMs(stamp), state: state as BirdSession['state'] }];
  });
