/** Tells of every option that takes no effect: not supported yet, not any more, of no group, or unknown. */
import { fastnetmonOptions, groupOptions, type OptionSpec, optionNamed } from './fastnetmon-options.js';
import type { OptionReader } from './fastnetmon-reader.js';
import type { FastnetmonSource } from './fastnetmon-source.js';
import { nearest } from './nearest.js';

export function tellUntaken(
  source: FastnetmonSource,
  groups: readonly string[],
  options: OptionReader,
): void {
  const strangers = new Map<string, string>();
  for (const name of source.entries.keys()) {
    const spec = optionNamed.get(name);
    if (spec !== undefined) tellOption(spec, source, options);
    else if (!groups.some((group) => isSettingOf(group, name))) {
      const group = groupIn(name);
      if (group === null) tellUnknown(name, options);
      else if (!strangers.has(group)) strangers.set(group, name);
    }
  }
  for (const [group, name] of strangers) {
    options.tell(
      'note',
      name,
      `these are settings of the host group '${group}', which no hostgroup line makes`,
      `add hostgroup = ${group}:10.0.0.0/24 with its networks, or remove them`,
    );
  }
}

function tellOption({ name, effect }: OptionSpec, source: FastnetmonSource, options: OptionReader): void {
  if (effect.kind === 'taken' || typeof effect.told === 'object') return;
  if (effect.told === 'on' && !switchedOn(name, source, options)) return;
  const parts = fastnetmonOptions.filter(
    (part) =>
      part.effect.kind !== 'taken' &&
      typeof part.effect.told === 'object' &&
      part.effect.told.with === name &&
      source.entries.has(part.name),
  );
  const withParts = parts.length === 0 ? '' : ` (with ${parts.map((part) => part.name).join(', ')})`;
  const status = effect.kind === 'later' ? 'known, not supported yet' : 'known, not supported any more';
  options.tell(effect.severity, name, `${status}${withParts}`, effect.instead);
}

/** FastNetMon takes 'yes' too for this one. */
const switchedOn = (name: string, source: FastnetmonSource, options: OptionReader): boolean =>
  (name === 'redis_enabled' && source.entries.get(name)?.value === 'yes') || options.boolean(name, false);

const isSettingOf = (group: string, name: string): boolean =>
  name.startsWith(`${group}_`) && groupOptions.some((option) => `${group}_${option.name}` === name);

/** 'my_hosts' of 'my_hosts_ban_for_pps'; null when no group setting ends the name. */
function groupIn(name: string): string | null {
  let group: string | null = null;
  for (const option of groupOptions) {
    if (!name.endsWith(`_${option.name}`)) continue;
    const candidate = name.slice(0, -option.name.length - 1);
    if (group === null || candidate.length < group.length) group = candidate;
  }
  return group;
}

function tellUnknown(name: string, options: OptionReader): void {
  const meant = nearest(name, optionNamed.keys());
  options.tell(
    'warning',
    name,
    'FastNetMon has no such option, so it has no effect',
    meant === null ? 'remove the line' : `did you mean '${meant}'?`,
  );
}
