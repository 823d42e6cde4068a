/** Checks a tree of specs whole, before anything starts. A wrong spec is a bug: it throws, naming the place. */
import type { AnyChild, Backoff, Budget, ChildSpec, SupervisorSpec } from './spec.js';

const idForm = /^[A-Za-z0-9.\-_:/@[\]]{1,128}$/;
export const maxMailboxBound = 1_048_576;
/** Supervisors below supervisors; every level costs stack at start and stop. */
const maxDepth = 16;

const need = (holds: boolean, id: string, what: string): void => {
  if (!holds) throw new Error(`spec of '${id}': ${what}`);
};

const positive = (value: number): boolean => Number.isFinite(value) && value > 0;

const checkId = (id: string): void =>
  need(idForm.test(id), id, 'an id is 1 to 128 of A-Z a-z 0-9 . - _ : / @ [ ]');

export function checkChild<S, M>(spec: ChildSpec<S, M>): void {
  const { id, mailbox } = spec;
  checkId(id);
  need(
    Number.isInteger(mailbox.bound) && mailbox.bound >= 1 && mailbox.bound <= maxMailboxBound,
    id,
    `a mailbox holds 1 to ${maxMailboxBound} messages, not ${mailbox.bound}`,
  );
  need(positive(spec.stopDeadlineMs), id, 'stopDeadlineMs must be above 0');
  need(positive(spec.busyLimitMs), id, 'busyLimitMs must be above 0');
  need(spec.place === undefined || spec.place.id === id, id, `its place is '${spec.place?.id}'`);
}

function checkRestarts(id: string, budget: Budget, backoff: Backoff): void {
  need(Number.isInteger(budget.intensity) && budget.intensity >= 0, id, 'intensity is a whole number from 0');
  need(positive(budget.periodMs), id, 'periodMs must be above 0');
  need(Number.isFinite(backoff.baseMs) && backoff.baseMs >= 0, id, 'baseMs must not be negative');
  need(Number.isFinite(backoff.factor) && backoff.factor >= 1, id, 'factor must be 1 or more');
  need(Number.isFinite(backoff.maxMs) && backoff.maxMs >= backoff.baseMs, id, 'maxMs must be baseMs or more');
  need(backoff.jitter >= 0 && backoff.jitter <= 1, id, 'jitter is a share from 0 to 1');
  need(positive(backoff.resetMs), id, 'resetMs must be above 0');
}

/** Throws at the first thing wrong with the tree under `root`. */
export function checkTree(root: SupervisorSpec): void {
  const paths = new Set<string>();
  const places = new Set<unknown>();

  const visit = (spec: AnyChild, path: string, depth: number): void => {
    need(!paths.has(path), path, 'its path is taken');
    paths.add(path);
    if (spec.kind === 'actor') {
      checkChild(spec);
      need(spec.place === undefined || !places.has(spec.place), path, 'its place is given to two children');
      places.add(spec.place ?? spec);
      return;
    }
    checkId(spec.id);
    need(depth <= maxDepth, path, `deeper than ${maxDepth} levels`);
    checkRestarts(path, spec.budget, spec.backoff);
    for (const child of spec.children) visit(child, `${path}/${child.id}`, depth + 1);
  };
  visit(root, root.id, 1);
}
