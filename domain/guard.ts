/** The guards of announcing, by name, and what each says when it holds something back. */

/** Why something is held back, the gravest first. The last three change with what else is announced. */
export const guards = [
  'not_read',
  'stopped',
  'dry_run',
  'not_ours',
  'whitelisted',
  'shortest_prefix',
  'rule_budget',
  'max_announcements',
  'changes_per_minute',
] as const;
export type Guard = (typeof guards)[number];

export const guardText: { readonly [G in Guard]: string } = {
  not_read: 'the journal has not been read yet',
  stopped: 'an operator has stopped all announcing',
  dry_run: 'dry run',
  not_ours: 'outside our networks',
  whitelisted: 'overlaps a whitelisted prefix',
  shortest_prefix: 'a shorter prefix than is allowed',
  rule_budget: "a speaker's flowspec rules are all in use",
  max_announcements: 'as many announcements as are allowed at once',
  changes_per_minute: 'as many changes as are allowed within a minute',
};

export const isGuard = (name: string): name is Guard => Object.hasOwn(guardText, name);
