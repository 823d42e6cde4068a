/**
 * The value formats of our files, each with its rule and the words for it in the documentation.
 *
 * convict's own are not used: it reads 'nope' as true, cuts '20kpps' down to 20 and lets a port be 0.
 * Ours never convert, so what was written is what is judged.
 */
import { type Family, formatAddress, parseAddress } from '../domain/address.js';
import { hostPrefix, parsePrefix } from '../domain/prefix.js';
import type { PrefixKey } from '../domain/units.js';
import { readCommunity, readFlowspecAction } from './communities.js';
import {
  durationText,
  type Fault,
  misread,
  quoted,
  type Reading,
  read,
  readBoolean,
  readConfidence,
  readDuration,
  readRate,
  readShare,
  readSize,
  shareText,
  sizeText,
  splitEndpoint,
} from './quantities.js';

/** A prefix, or an address alone for the prefix of that one. */
export function readPrefixOrAddress(value: unknown): Reading<PrefixKey> {
  if (typeof value !== 'string') {
    return misread(
      `${quoted(value)} is neither an address nor a prefix`,
      'write it as text, such as 192.0.2.1 or 192.0.2.0/24',
    );
  }
  const host = parseAddress(value);
  if (host !== null) return read(hostPrefix(formatAddress(host)));
  const prefix = parsePrefix(value);
  if (prefix.ok) return prefix;
  const [message, remedy] = prefix.error.detail.split('; ');
  return misread(message ?? '', remedy ?? 'write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32');
}

/** What a key demands beyond its format; `min` and `max` in the format's base unit, both allowed. */
export type Demands = {
  readonly min?: number;
  readonly max?: number;
  readonly options?: readonly string[];
};

type Format = {
  /** How the documentation names it. */
  readonly words: string;
  readonly judge: (value: unknown, demands: Demands) => Reading<unknown>;
};

const longestPath = 4096;
const longestName = 64;
const longestInterfaceName = 15; // IFNAMSIZ of linux/if.h, less its NUL

const within = (
  reading: Reading<number>,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: Demands,
  text: (value: number) => string,
): Reading<number> => {
  if (!reading.ok || (reading.value >= min && reading.value <= max)) return reading;
  const range = `a value from ${text(min)} to ${text(max)} is allowed here`;
  return misread(
    reading.value < min ? `${text(reading.value)} is too small` : `${text(reading.value)} is too large`,
    range,
  );
};

const count = (value: unknown, demands: Demands): Reading<number> =>
  typeof value === 'number' && Number.isSafeInteger(value)
    ? within(read(value), demands, String)
    : misread(`${quoted(value)} is not a whole number`, 'write a whole number, without a unit or quotes');

const text = (value: unknown, what: string, example: string): Reading<string> =>
  typeof value === 'string' && value !== ''
    ? read(value)
    : misread(`${quoted(value)} is not ${what}`, `write ${what} as text, such as ${example}`);

/** RFC 1123 section 2.1. */
const hostName =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;
const isHost = (text: string): boolean => parseAddress(text) !== null || hostName.test(text);

function addressOfFamily(value: unknown, family: Family): Reading<string> {
  const address = typeof value === 'string' ? parseAddress(value) : null;
  return typeof value === 'string' && address?.family === family
    ? read(value)
    : misread(
        `${quoted(value)} is not an IPv${family} address`,
        `write one such as ${family === 4 ? '192.0.2.1' : '100::1'}`,
      );
}

export const formats = {
  boolean: { words: 'true or false', judge: readBoolean },
  count: { words: 'whole number', judge: count },
  power_of_two: {
    words: 'power of two',
    judge: (value, demands) => {
      const reading = count(value, demands);
      if (!reading.ok || 2 ** Math.round(Math.log2(reading.value)) === reading.value) return reading;
      const above = 2 ** Math.ceil(Math.log2(reading.value));
      return misread(`${reading.value} is not a power of two`, `write ${above}, the next one`);
    },
  },
  workers: {
    words: 'whole number or auto',
    judge: (value, demands) =>
      value === 'auto'
        ? read(value)
        : typeof value === 'string'
          ? misread(
              `${quoted(value)} is not a number of workers`,
              'write a whole number, or auto for one per spare CPU',
            )
          : count(value, demands),
  },
  factor: {
    words: 'number',
    judge: (value, demands) =>
      typeof value === 'number' && Number.isFinite(value)
        ? within(read(value), demands, String)
        : misread(`${quoted(value)} is not a number`, 'write a number, such as 2 or 1.5'),
  },
  duration: {
    words: 'duration',
    judge: (value, demands) => within(readDuration(value), demands, durationText),
  },
  ban_time: {
    words: 'duration or never',
    judge: (value, demands) =>
      value === 'never' ? read(value) : within(readDuration(value), demands, durationText),
  },
  size: { words: 'size', judge: (value, demands) => within(readSize(value), demands, sizeText) },
  confidence: { words: 'percentage or off', judge: readConfidence },
  packet_rate: { words: 'packets/s or off', judge: (value) => readRate(value, 'packets') },
  bit_rate: { words: 'Mbit/s or off', judge: (value) => readRate(value, 'bits') },
  flow_rate: { words: 'flows/s or off', judge: (value) => readRate(value, 'flows') },
  choice: {
    words: 'one of',
    judge: (value, { options = [] }) =>
      typeof value === 'string' && options.includes(value)
        ? read(value)
        : misread(`${quoted(value)} is not among the choices`, `write one of ${options.join(', ')}`),
  },
  prefix: {
    words: 'prefix',
    judge: (value) => {
      if (typeof value !== 'string') {
        return misread(`${quoted(value)} is not a prefix`, 'write a prefix as text, such as 192.0.2.0/24');
      }
      const prefix = parsePrefix(value);
      if (prefix.ok) return prefix;
      const [message, remedy] = prefix.error.detail.split('; ');
      return misread(message ?? '', remedy ?? 'write a prefix such as 192.0.2.0/24 or 2001:db8::/32');
    },
  },
  address: {
    words: 'address',
    judge: (value) =>
      typeof value === 'string' && parseAddress(value) !== null
        ? read(value)
        : misread(
            `${quoted(value)} is not an address`,
            'write a numeric address, such as 192.0.2.1 or 2001:db8::1',
          ),
  },
  ipv4_address: { words: 'IPv4 address', judge: (value) => addressOfFamily(value, 4) },
  ipv6_address: { words: 'IPv6 address', judge: (value) => addressOfFamily(value, 6) },
  community: { words: 'community', judge: readCommunity },
  large_community: {
    words: 'large community',
    judge: (value) => {
      const community = readCommunity(value);
      return community.ok && community.value.kind !== 'large'
        ? misread(`${quoted(value)} is not a large community`, 'write three numbers, such as 65001:1:2')
        : community;
    },
  },
  flowspec_action: { words: 'flowspec action', judge: readFlowspecAction },
  share: {
    words: 'percentage',
    judge: (value, demands) => within(readShare(value), demands, shareText),
  },
  endpoint: {
    words: 'host:port or unix:/path',
    judge: (value) => {
      if (typeof value === 'string' && /^unix:\/[^\0]+$/.test(value)) return read(value);
      const endpoint = splitEndpoint(value);
      if (!endpoint.ok || isHost(endpoint.value.address)) return endpoint;
      return misread(
        `${quoted(endpoint.value.address)} is neither an address nor a host name`,
        'write 127.0.0.1:50051, [::1]:50051 or gobgp.example.net:50051',
      );
    },
  },
  url: {
    words: 'URL',
    judge: (value) => {
      const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : null;
      return url !== null && /^https?:$/.test(url.protocol)
        ? read(value)
        : misread(
            `${quoted(value)} is not a URL of the web`,
            'write one such as https://hooks.example.net/ddos',
          );
    },
  },
  mail_address: {
    words: 'mail address',
    judge: (value) =>
      typeof value === 'string' && /^[^\s@<>,;:"()[\]\\]{1,64}@[A-Za-z0-9.-]{1,253}$/.test(value)
        ? read(value)
        : misread(`${quoted(value)} is not a mail address`, 'write one such as noc@example.net'),
  },
  text: {
    words: 'text',
    judge: (value) => {
      const found = text(value, 'a text', '"-1001234567890"');
      return found.ok && /[\r\n\0]/.test(found.value)
        ? misread('it holds a line break', 'write it on one line')
        : found;
    },
  },
  host_name: {
    words: 'host name',
    judge: (value) =>
      typeof value === 'string' && isHost(value)
        ? read(value)
        : misread(`${quoted(value)} is not a host name`, 'write a name such as gobgp.example.net'),
  },
  prefix_or_address: {
    words: 'prefix or address',
    judge: (value) => readPrefixOrAddress(value),
  },
  listen: {
    words: 'address:port',
    judge: (value) => {
      const endpoint = splitEndpoint(value);
      if (!endpoint.ok || parseAddress(endpoint.value.address) !== null) return endpoint;
      return misread(
        `${quoted(endpoint.value.address)} is not an address to listen on`,
        'write a numeric address: 0.0.0.0 for all of IPv4, [::] for all of both',
      );
    },
  },
  path: {
    words: 'path',
    judge: (value) => {
      const path = text(value, 'a path', '/etc/tidegate/networks.list');
      if (!path.ok) return path;
      if (path.value.includes('\0')) return misread('a path cannot hold a NUL byte', 'remove the NUL byte');
      return path.value.length <= longestPath
        ? path
        : misread(`a path of ${path.value.length} characters is too long`, `keep it below ${longestPath}`);
    },
  },
  name: {
    words: 'name',
    judge: (value) => {
      const name = text(value, 'a name', 'customers');
      if (!name.ok) return name;
      return name.value.length <= longestName && /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name.value)
        ? name
        : misread(
            `${quoted(value)} cannot be a name`,
            `use letters, digits, '_', '.' and '-', beginning with a letter or digit, at most ${longestName}`,
          );
    },
  },
  interface_name: {
    words: 'interface name',
    judge: (value) => {
      const name = text(value, 'an interface name', 'eth0');
      if (!name.ok) return name;
      return name.value.length <= longestInterfaceName && !/[\s/:]/.test(name.value)
        ? name
        : misread(
            `${quoted(value)} cannot be an interface name`,
            `an interface name has at most ${longestInterfaceName} characters and no blank, '/' or ':'`,
          );
    },
  },
} as const satisfies { readonly [name: string]: Format };

export type FormatName = keyof typeof formats;

/** What is wrong with `value`, or null. A value that is missing is a fault of its own. */
export function judge(format: FormatName, value: unknown, demands: Demands): Fault | null {
  if (value === undefined || value === null) {
    return { message: 'is required and missing', remedy: `add it: ${formats[format].words}` };
  }
  const judged: Reading<unknown> = formats[format].judge(value, demands);
  return judged.ok ? null : judged.fault;
}
