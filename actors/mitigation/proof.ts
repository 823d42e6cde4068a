/**
 * Watches what still comes to the subjects of mitigations, and tells the ledger whether they are effective.
 *
 * It asks the ledger once a second what there is. What is announced against traffic to its subject is watched from then on, the
 * time before included as far as it was sampled; of more than `maxProofs` the oldest ones. Subjects are opened and read a slice at a
 * time: each costs a search through what was sampled lately.
 *
 * An attack that comes from a host of ours is not watched: announcing a route to the host, or a rule with it as destination, stops nothing
 * of it, and what a router that drops by source would do (RFC 5635 section 4) lies beyond where its packets are mirrored.
 */
import { type Attack, subjectText } from '../../domain/attack.js';
import type { ProofPolicy } from '../../domain/bgp.js';
import type { Mitigation, MitigationEffect } from '../../domain/mitigation.js';
import { type Pace, pace } from '../../domain/pace.js';
import type { Ingress, IngressOpener } from '../../domain/ports.js';
import type { AttackId, UnixMicros } from '../../domain/units.js';
import type { Behaviour, Context, Ref } from '../../supervision/behaviour.js';
import type { ChildSpec } from '../../supervision/spec.js';
import { announced, newProof, observe, type Proof } from './effect.js';
import type { LedgerMessage } from './messages.js';
import { type Peak, unproven } from './verdict.js';

export type ProofDeps = {
  readonly ledger: Ref<LedgerMessage>;
  readonly open: IngressOpener;
  /** Another value than before: what is open belongs to a data plane that is gone. */
  readonly plane: () => unknown;
  /** As configured now. */
  readonly policy: () => ProofPolicy;
};

export type ProofMessage =
  | { readonly kind: 'look' }
  | { readonly kind: 'listed'; readonly mitigations: readonly Mitigation[] }
  /** Read the next slice. */
  | { readonly kind: 'go_on' };

type Watch = {
  readonly ingress: Ingress;
  readonly attack: Attack;
  readonly proof: Proof;
  /** Announcements that were confirmed, each by its speaker, when last looked at. */
  confirmed: number;
};

type State = {
  readonly watches: Map<AttackId, Watch>;
  plane: unknown;
  /** Those not looked at yet in this round: watched from now on, or read. */
  unopened: readonly Mitigation[];
  unread: AttackId[];
  readonly complaint: Pace;
};

export const maxProofs = 256;
const lookMs = 1000;
/** Subjects that are read in one go. */
const slice = 16;
const complaintMs = 60_000;

export const proofActor = (deps: ProofDeps): ChildSpec<State, ProofMessage> => ({
  kind: 'actor',
  id: 'proof',
  behaviour: () => proofBehaviour(deps),
  restart: 'permanent',
  mailbox: { bound: 64, overflow: { kind: 'drop_new' } },
  stopDeadlineMs: 1000,
  busyLimitMs: 5000,
});

export const proofBehaviour = (deps: ProofDeps): Behaviour<State, ProofMessage> => ({
  name: 'proof',
  init(context) {
    context.every(lookMs, { kind: 'look' });
    return {
      watches: new Map(),
      plane: deps.plane(),
      unopened: [],
      unread: [],
      complaint: pace(complaintMs),
    };
  },
  receive(state, message, context) {
    switch (message.kind) {
      case 'look':
        ask(deps, context);
        break;
      case 'listed':
        sort(state, message.mitigations, deps, context);
        goOn(state, deps, context);
        break;
      case 'go_on':
        goOn(state, deps, context);
    }
    return state;
  },
  stop: closeAll,
});

function closeAll({ watches }: State): void {
  for (const { ingress } of watches.values()) ingress.close();
  watches.clear();
}

function ask(deps: ProofDeps, { self, signal }: Context<ProofMessage>): void {
  deps.ledger.send({
    kind: 'list',
    reply: (mitigations) => {
      if (!signal.aborted) self.send({ kind: 'listed', mitigations });
    },
  });
}

/** There is something that should help. */
const isAnnounced = ({ state, holdings }: Mitigation): boolean => state === 'wanted' && holdings.length > 0;

const isOutgoing = ({ attack }: Mitigation): boolean => attack.direction === 'outgoing';
export const actsOnIncoming =
  'the attack comes from a host of ours, and what is announced acts on traffic to it';
const tooMany = `${maxProofs} mitigations are watched already`;

/** null: nobody has measured one. */
const peakOf = ({ peak }: Attack): Peak | null => (peak.pps > 0 ? peak : null);

/** What is over is let go, and the rest of this round laid out. */
function sort(
  state: State,
  mitigations: readonly Mitigation[],
  deps: ProofDeps,
  context: Context<ProofMessage>,
): void {
  const { watches } = state;
  const at = context.clock.unixMicros();
  if (state.plane !== deps.plane()) closeAll(state);
  state.plane = deps.plane();
  const announcing = mitigations.filter(isAnnounced);
  const wanted = new Map(announcing.filter((one) => !isOutgoing(one)).map((one) => [one.id, one]));
  for (const [id, watch] of watches) {
    const mitigation = wanted.get(id);
    if (mitigation !== undefined) {
      confirm(watch, mitigation, at, deps, context);
      continue;
    }
    watch.ingress.close();
    watches.delete(id);
  }
  state.unread = [...watches.keys()];
  state.unopened = announcing.filter(({ id }) => !watches.has(id));
}

function goOn(state: State, deps: ProofDeps, context: Context<ProofMessage>): void {
  if (state.unopened.length > 0) openSome(state, deps, context);
  else readSome(state, deps, context);
  // A mailbox that is full has it done at the next look.
  if (state.unopened.length + state.unread.length > 0) context.self.send({ kind: 'go_on' });
}

function openSome(state: State, deps: ProofDeps, context: Context<ProofMessage>): void {
  const at = context.clock.unixMicros();
  let refused = 0;
  for (const mitigation of state.unopened.slice(0, slice)) {
    if (isOutgoing(mitigation)) {
      cannotSay(mitigation, actsOnIncoming, at, deps, context);
      continue;
    }
    const watch = begin(state.watches, mitigation, deps, at);
    if (watch === null) {
      refused++;
      cannotSay(mitigation, tooMany, at, deps, context);
      continue;
    }
    state.unread.push(mitigation.id);
    confirm(watch, mitigation, at, deps, context);
  }
  state.unopened = state.unopened.slice(slice);
  const kept = refused > 0 ? state.complaint(context.clock.now()) : null;
  if (kept !== null)
    context.log.warn('too many mitigations to watch their effect', { bound: maxProofs, kept });
}

function begin(
  watches: Map<AttackId, Watch>,
  { id, attack, effect }: Mitigation,
  deps: ProofDeps,
  at: UnixMicros,
): Watch | null {
  const ingress = watches.size < maxProofs ? deps.open(attack.subject, at) : null;
  if (ingress === null) return null;
  const watch = { ingress, attack, proof: newProof(peakOf(attack), effect, at), confirmed: 0 };
  watches.set(id, watch);
  return watch;
}

/** More is announced than was: judged anew. What is confirmed at the first look after a start may have stood for long. */
function confirm(
  watch: Watch,
  { attack, holdings }: Mitigation,
  at: UnixMicros,
  deps: ProofDeps,
  context: Context<ProofMessage>,
): void {
  const { proof } = watch;
  proof.peak = peakOf(attack) ?? proof.peak;
  const confirmed = holdings.filter((holding) => holding.state === 'held').length;
  const first = watch.confirmed === 0;
  if (confirmed > watch.confirmed) tell(watch, announced(proof, at, first), deps, context);
  watch.confirmed = confirmed;
}

function readSome(state: State, deps: ProofDeps, context: Context<ProofMessage>): void {
  const policy = deps.policy();
  for (const id of state.unread.splice(0, slice)) {
    const watch = state.watches.get(id);
    if (watch === undefined) continue;
    const at = context.clock.unixMicros();
    tell(watch, observe(watch.proof, watch.ingress.read(), at, policy), deps, context);
  }
}

function tell(
  { attack }: Pick<Watch, 'attack'>,
  effect: MitigationEffect | null,
  deps: ProofDeps,
  { log }: Context<ProofMessage>,
): void {
  if (effect === null) return;
  deps.ledger.send({ kind: 'effect', attack: attack.id, effect });
  const { state, seen, remaining, reason } = effect;
  if (state === 'watching') return;
  const level = state === 'effective' || state === 'unproven' ? 'info' : 'warn';
  log[level](`mitigation ${state}`, {
    attack: attack.id,
    subject: subjectText(attack.subject),
    ...(seen.length === 0 ? {} : { seen }),
    ...(remaining === null ? {} : { remaining }),
    ...(reason === null ? {} : { reason }),
  });
}

/** Once it is confirmed, and unless more is known of it. */
function cannotSay(
  { attack, holdings, effect }: Mitigation,
  reason: string,
  at: UnixMicros,
  deps: ProofDeps,
  context: Context<ProofMessage>,
): void {
  if (!holdings.some(({ state }) => state === 'held') || effect?.reason === reason) return;
  if (effect !== null && effect.state !== 'watching' && effect.state !== 'unproven') return;
  tell({ attack }, { ...unproven(reason), comparedWith: null, since: at }, deps, context);
}
