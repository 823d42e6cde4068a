/** A meter and a ledger that are moved by hand, for tests of the hostgroup actor. */

import type { Attack } from '../../domain/attack.js';
import { notAnnounced } from '../../domain/mitigation.js';
import type { Exceeded, Meter, Standing } from '../../domain/ports.js';
import { quietRates } from '../../domain/traffic.js';
import type { Ref } from '../../supervision/behaviour.js';
import type { LedgerMessage } from '../mitigation/messages.js';

export type Scale = {
  readonly open: () => Meter;
  /** What the next judgement says; the exceeded are said once, as a watched subject is. */
  exceeded: readonly Exceeded[];
  watched: readonly Standing[];
  deferred: number;
  throws: string | null;
  /** Answers come from another thread. */
  slow: boolean;
  opened: number;
  closed: number;
  absorbed: number;
  judged: number;
  readonly watching: Set<string>;
};

export function scale(): Scale {
  const quiet = { incoming: quietRates, outgoing: quietRates };
  const side = (subject: Standing['subject'], direction: string): string =>
    `${subject.kind === 'host' ? subject.host : subject.prefix} ${direction}`;
  const world: Scale = {
    exceeded: [],
    watched: [],
    deferred: 0,
    throws: null,
    slow: false,
    opened: 0,
    closed: 0,
    absorbed: 0,
    judged: 0,
    watching: new Set(),
    open: () => {
      world.opened += 1;
      world.watching.clear();
      return {
        absorb: () => {
          world.absorbed += 1;
          return world.slow ? Promise.resolve() : undefined;
        },
        judge: (at) => {
          world.judged += 1;
          if (world.throws !== null) throw new Error(world.throws);
          const judgement = {
            at,
            exceeded: world.exceeded,
            watched: world.watched,
            deferred: world.deferred,
          };
          world.exceeded = [];
          world.deferred = 0;
          return world.slow ? Promise.resolve(judgement) : judgement;
        },
        watch: (subject, direction) => void world.watching.add(side(subject, direction)),
        unwatch: (subject, direction) => void world.watching.delete(side(subject, direction)),
        total: () => quiet,
        networks: () => [],
        rates: () => quiet,
        top: () => [],
        stats: () => ({ hosts: 0, exact: 0, exactBound: 0, exactRefused: 0, hostsRefused: 0, bytes: 0 }),
        close: () => {
          world.closed += 1;
        },
      };
    },
  };
  return world;
}

export type Books = {
  readonly ref: Ref<LedgerMessage>;
  /** Every message but `list`, in order. */
  readonly said: LedgerMessage[];
  on: readonly Attack[];
  full: boolean;
  silent: boolean;
};

export function books(): Books {
  const world: Books = {
    said: [],
    on: [],
    full: false,
    silent: false,
    ref: {
      id: 'ledger',
      send: (message) => {
        if (world.full) return false;
        if (message.kind !== 'list') world.said.push(message);
        else if (!world.silent) {
          message.reply(
            world.on.map((attack) => ({
              id: attack.id,
              attack,
              state: 'wanted',
              since: attack.startedAt,
              until: null,
              comment: '',
              notified: 'ban',
              ...notAnnounced,
            })),
          );
        }
        return true;
      },
    },
  };
  return world;
}
