/**
 * A supervisor whose children come and go while it runs: sources, hostgroups and outlets follow the
 * configuration without a restart.
 *
 * `arrange` says who should be there. Who is not wanted any longer, or wanted in another edition, is
 * stopped first, last come first; then the missing are started in the order given. One_for_one: a child
 * has its own restart budget, and when it has spent that it gets another try after `secondChanceMs`.
 */
import type { Milliseconds } from '../domain/units.js';
import type { Cancel, Context } from './behaviour.js';
import type { AnyChild, ChildSpec } from './spec.js';

/** `edition`: a child wanted in another edition than the one that runs is replaced. */
export type Wanted = {
  readonly edition: string;
  readonly spec: Extract<AnyChild, { readonly kind: 'actor' }>;
};

export type RosterMessage =
  | { readonly kind: 'arrange'; readonly wanted: readonly Wanted[]; readonly done: () => void }
  /** `birth` tells this child from a later one of the same id. */
  | { readonly kind: 'gone'; readonly id: string; readonly birth: number }
  | { readonly kind: 'retry' };

type Present = { readonly edition: string; readonly birth: number; readonly forget: Cancel };
type Roster = {
  wanted: ReadonlyMap<string, Wanted>;
  readonly present: Map<string, Present>;
  births: number;
};

const secondChanceMs: Milliseconds = 10_000;
const mailboxBound = 4_096;
/** Children are stopped within an `arrange`, one after the other, each within its own deadline. */
const busyLimitMs: Milliseconds = 120_000;

export function rosterActor(id: string, stopDeadlineMs: Milliseconds): ChildSpec<Roster, RosterMessage> {
  // Outlives incarnations: what is wanted is not forgotten with a crash.
  let remembered: ReadonlyMap<string, Wanted> = new Map();
  return {
    kind: 'actor',
    id,
    restart: 'permanent',
    mailbox: { bound: mailboxBound, overflow: { kind: 'drop_new' } },
    stopDeadlineMs,
    busyLimitMs,
    behaviour: () => ({
      name: 'roster',
      init(context) {
        const roster: Roster = { wanted: remembered, present: new Map(), births: 0 };
        startMissing(roster, context);
        return roster;
      },
      async receive(roster, message, context) {
        switch (message.kind) {
          case 'arrange':
            remembered = new Map(message.wanted.map((each) => [each.spec.id, each] as const));
            roster.wanted = remembered;
            await stopUnwanted(roster, context);
            startMissing(roster, context);
            message.done();
            return roster;
          case 'gone':
            if (roster.present.get(message.id)?.birth !== message.birth) return roster;
            roster.present.delete(message.id);
            context.log.error('child gave up, tried again later', {
              child: message.id,
              afterMs: secondChanceMs,
            });
            context.after(secondChanceMs, { kind: 'retry' });
            return roster;
          case 'retry':
            startMissing(roster, context);
            return roster;
        }
      },
    }),
  };
}

/** Last come, first gone. */
async function stopUnwanted(roster: Roster, context: Context<RosterMessage>): Promise<void> {
  for (const [id, { edition, forget }] of [...roster.present].reverse()) {
    if (roster.wanted.get(id)?.edition === edition) continue;
    forget();
    roster.present.delete(id);
    await context.stopChild(id);
  }
}

function startMissing(roster: Roster, context: Context<RosterMessage>): void {
  for (const [id, { edition, spec }] of roster.wanted) {
    if (roster.present.has(id)) continue;
    roster.births += 1;
    const birth = roster.births;
    const ref = context.spawn(spec);
    const forget = context.watch(ref, () => ({ kind: 'gone', id, birth }));
    roster.present.set(id, { edition, birth, forget });
  }
}
