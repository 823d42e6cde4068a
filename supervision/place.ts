/**
 * Addresses that exist before their actors do, so that the children of a static tree can be given each
 * other's at composition, fully typed:
 *
 *   const ledger = createPlace<LedgerMessage>('ledger');
 *   const announcer = createPlace<AnnouncerMessage>('announcer:gobgp');
 *   children: [
 *     ledger.child({ behaviour: () => ledgerActor({ announcer: announcer.ref }), restart: 'permanent', ... }),
 *     announcer.child({ behaviour: () => announcerActor({ ledger: ledger.ref }), ... }),
 *   ]
 *
 * `startTree` binds each place to the child that names it. A send before that is dropped, answered with
 * false, and counted among the dead letters of the tree that binds the place later.
 */
import type { Ref } from './behaviour.js';
import type { ChildSpec, Exit } from './spec.js';

/** A child as its place completes it: all of a ChildSpec but the address. */
export type Tenancy<S, M> = Omit<ChildSpec<S, M>, 'kind' | 'id' | 'place'>;

export type Place<M> = {
  readonly id: string;
  readonly ref: Ref<M>;
  readonly child: <S>(tenancy: Tenancy<S, M>) => ChildSpec<S, M>;
};

/** What stands behind an address once it is bound. */
export type Tenant = {
  readonly send: (message: unknown) => boolean;
  /** Calls back once, when the place ends for good; at once if it has. Returns how to forget it. */
  readonly onEnd: (tell: (exit: Exit) => void) => () => void;
  readonly ended: () => boolean;
};

type Binding = { tenant: Tenant | null; early: number };

/** Lies on the ref itself, out of sight: a WeakMap of ten thousand addresses costs every garbage collection. */
const behind = Symbol('binding');
type Address<M> = Ref<M> & { readonly [behind]: Binding };

const bindingOf = (ref: Ref<never>): Binding | null =>
  behind in ref ? (ref as Address<never>)[behind] : null;

export function createPlace<M>(id: string): Place<M> {
  const ref = createRef<M>(id);
  const place: Place<M> = {
    id,
    ref,
    child: (tenancy) => ({ ...tenancy, kind: 'actor', id, place }),
  };
  return place;
}

export function createRef<M>(id: string): Ref<M> {
  const binding: Binding = { tenant: null, early: 0 };
  const ref: Address<M> = {
    [behind]: binding,
    id,
    send: (message) => {
      if (binding.tenant !== null) return binding.tenant.send(message);
      binding.early += 1;
      return false;
    },
  };
  return ref;
}

/** Who lives at `ref`, or null for an address not bound yet, or not made here. */
export const tenantOf = (ref: Ref<never>): Tenant | null => bindingOf(ref)?.tenant ?? null;

/** Binds an address; returns how many messages were sent to it too early. Throws when it is taken. */
export function bind(ref: Ref<never>, tenant: Tenant): number {
  const binding = bindingOf(ref);
  if (binding === null) throw new Error(`'${ref.id}' is not an address made by createPlace`);
  if (binding.tenant !== null && !binding.tenant.ended()) throw new Error(`place '${ref.id}' is taken`);
  binding.tenant = tenant;
  const early = binding.early;
  binding.early = 0;
  return early;
}
