/**
 * A request as it comes over the socket, checked field by field: what is on the other side is any
 * program of the same user. What does not fit is answered with what was expected. Addresses are read
 * where they are used.
 */

import type { ControlRequest } from '../../actors/control/messages.js';
import type { AttackOrigin } from '../../domain/attack.js';
import { listStates } from '../../domain/attack-filter.js';
import type { TopBy } from '../../domain/ports.js';
import { parsePrefix } from '../../domain/prefix.js';
import { type Direction, directions } from '../../domain/traffic.js';

export type Read =
  | { readonly ok: true; readonly request: ControlRequest }
  | { readonly ok: false; readonly why: string };

const longestText = 1024;
const origins: readonly AttackOrigin[] = ['detected', 'manual'];
const tops: readonly TopBy[] = ['packets', 'bytes', 'flows'];
const no = (why: string): Read => ({ ok: false, why });
const yes = (request: ControlRequest): Read => ({ ok: true, request });

export function readRequest(line: string): Read {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return no('a request is one line of JSON');
  }
  if (typeof value !== 'object' || value === null) return no('a request is a JSON object');
  const fields = value as { readonly [key: string]: unknown };
  switch (fields.kind) {
    case 'status':
    case 'reload':
    case 'mitigation_start':
      return yes({ kind: fields.kind });
    case 'attacks':
      return attacks(fields);
    case 'ban': {
      const { host, comment, forMs } = fields;
      if (!text(host) || !text(comment))
        return no(`ban takes host and comment, texts of at most ${longestText} characters`);
      if (forMs !== null && !(typeof forMs === 'number' && Number.isFinite(forMs) && forMs > 0)) {
        return no('ban takes forMs, milliseconds above 0 or null');
      }
      return yes({ kind: 'ban', host, comment, forMs });
    }
    case 'mitigation_stop':
      return text(fields.comment)
        ? yes({ kind: 'mitigation_stop', comment: fields.comment })
        : no(`mitigation_stop takes comment, a text of at most ${longestText} characters`);
    case 'unban':
      return text(fields.host) ? yes({ kind: 'unban', host: fields.host }) : no('unban takes host, a text');
    case 'top': {
      const by = tops.find((each) => each === fields.by);
      const direction: Direction | undefined = directions.find((each) => each === fields.direction);
      return by !== undefined && direction !== undefined && count(fields.count)
        ? yes({ kind: 'top', by, direction, count: fields.count })
        : no(`top takes by (${tops.join(', ')}), direction (${directions.join(', ')}) and count`);
    }
    case 'doctor':
      return count(fields.listenMs)
        ? yes({ kind: 'doctor', listenMs: fields.listenMs })
        : no('doctor takes listenMs, a whole number of milliseconds');
    default:
      return no(
        'kind is one of status, attacks, ban, unban, mitigation_stop, mitigation_start, top, reload, doctor',
      );
  }
}

type Fields = { readonly [key: string]: unknown };

function attacks({ history, limit, filter = {} }: Fields): Read {
  if (!count(history)) return no('attacks takes history, a whole number');
  if (limit !== undefined && !count(limit)) return no('attacks takes limit, a whole number');
  if (typeof filter !== 'object' || filter === null) return no('attacks takes filter, an object');
  const { prefix = null, hostgroup = null, origin = null, state = null } = filter as Fields;
  const key = prefix === null ? null : text(prefix) ? parsePrefix(prefix) : null;
  if (prefix !== null && key?.ok !== true) return no("filter takes prefix, a text like '192.0.2.0/24'");
  if (hostgroup !== null && !text(hostgroup)) return no('filter takes hostgroup, a text');
  const from = origins.find((each) => each === origin) ?? null;
  if (origin !== null && from === null) return no(`filter takes origin (${origins.join(', ')})`);
  const stands = listStates.find((each) => each === state) ?? null;
  if (state !== null && stands === null) return no(`filter takes state (${listStates.join(', ')})`);
  return yes({
    kind: 'attacks',
    history,
    ...(limit === undefined ? {} : { limit }),
    filter: { prefix: key?.ok === true ? key.value : null, hostgroup, origin: from, state: stands },
  });
}

const text = (value: unknown): value is string => typeof value === 'string' && value.length <= longestText;
const count = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
