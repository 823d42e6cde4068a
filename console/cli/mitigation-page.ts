/** How announcing stands, as a person reads it in a terminal: guards, speakers, what each of them holds. Pure. */
import type { Status } from '../../actors/control/messages.js';
import { announcementText } from '../../domain/announcement.js';
import { subjectText } from '../../domain/attack.js';
import { guardText, isGuard } from '../../domain/guard.js';
import type { Mitigation, MitigationEffect } from '../../domain/mitigation.js';
import { rfc3339 } from '../../domain/units.js';
import { figure, type Terminal, table } from './terminal.js';

const right = 'right' as const;

/** What somebody wrote is shown, not obeyed: no new lines, no colours of its own. */
export const onOneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ').trim();

const words = (name: string): string => name.replaceAll('_', ' ');

/** null: there is no speaker, and nothing to say. */
export function mitigationLines({ mitigation, speakers }: Status, { colors }: Terminal): string | null {
  if (mitigation === null) return null;
  const { stopped, dryRun, heldBack, refusedBySpeakers } = mitigation;
  if (speakers.length === 0 && stopped === null) return null;
  const held = Object.entries(heldBack).map(
    ([guard, count]) => `held back: ${figure(count)} by ${words(guard)}${why(guard)}`,
  );
  const line =
    `announcements: ${mitigation.wanted} wanted, ${mitigation.announced} announced, ${mitigation.held} held, ` +
    `${mitigation.leaving} leaving, ${mitigation.changesLastMinute} changes in the last minute`;
  return [
    line,
    ...held.map(colors.yellow),
    ...(refusedBySpeakers === 0 ? [] : [colors.red(`refused by speakers: ${refusedBySpeakers}`)]),
    ...(dryRun ? [colors.yellow('dry run: nothing is announced')] : []),
    ...(stopped === null
      ? []
      : [
          colors.red(
            `announcing is stopped since ${rfc3339(stopped.since).slice(0, 19)}${comment(stopped.comment)}; ` +
              "'tidegate mitigation start' lets it go on",
          ),
        ]),
  ].join('\n');
}

/** What it says, where its name alone does not. */
const why = (guard: string): string =>
  isGuard(guard) && guardText[guard] !== words(guard) ? ` (${guardText[guard]})` : '';

const comment = (text: string): string => (onOneLine(text) === '' ? '' : ` (${onOneLine(text)})`);

export function speakerTable({ speakers }: Status, view: Terminal): string {
  const rows = speakers.map((speaker) => [
    speaker.name,
    speaker.state === 'up' ? view.colors.green('up') : view.colors.red(speaker.state),
    onOneLine(speaker.version ?? ''),
    figure(speaker.wanted),
    figure(speaker.held),
    figure(speaker.pending),
    figure(speaker.refused),
    speaker.foreign === null ? '' : figure(speaker.foreign),
    figure(speaker.repaired.announced + speaker.repaired.withdrawn),
    speaker.lastReconciledAt === null ? 'never' : rfc3339(speaker.lastReconciledAt).slice(0, 19),
    speaker.lastError === null ? '' : onOneLine(speaker.lastError),
  ]);
  const columns = [
    { title: 'speaker', whole: true },
    { title: 'state', whole: true },
    { title: 'version', spare: 3 },
    { title: 'wanted', align: right },
    { title: 'held', align: right },
    { title: 'pending', align: right },
    { title: 'refused', align: right },
    { title: 'foreign', align: right, spare: 2 },
    { title: 'repaired', align: right, spare: 4 },
    { title: 'compared', spare: 1 },
    { title: 'last error' },
  ];
  return table(columns, rows, view.width);
}

/** 'announced', 'announcing', 'held back: whitelisted', 'announced, partial: eth1', 'no rules: …'. */
export function standing({ state, holdings, heldBack, effect, noRules, escalated }: Mitigation): string {
  const said = holdings.every((holding) => holding.state === 'held') ? 'announced' : 'announcing';
  const parts = [
    ...(state === 'released' ? ['leaving'] : holdings.length === 0 ? [] : [said]),
    ...(heldBack === null ? [] : [`held back: ${words(heldBack)}`]),
    ...(escalated !== null
      ? [`blackhole: ${onOneLine(escalated)}`]
      : noRules !== null
        ? [`no rules: ${onOneLine(noRules)}`]
        : []),
    ...(effect === null || effect.state === 'watching' ? [] : [effectText(effect)]),
  ];
  return parts.join(', ');
}

function effectText({ state, seen, remaining, reason }: MitigationEffect): string {
  if (state === 'unproven') return reason === null ? state : `${state}: ${onOneLine(reason)}`;
  if (state !== 'partial') return state;
  const share = remaining === null ? '' : `${Math.round(remaining * 100)} % at `;
  return `partial: ${share}${seen.map(({ source }) => source).join(', ')}`;
}

/** What each speaker holds of each; null: nothing of any. */
export function holdingTable(mitigations: readonly Mitigation[], view: Terminal): string | null {
  const rows = mitigations.flatMap(({ attack, holdings }) =>
    holdings.map(({ speaker, announcement, state }) => [
      subjectText(attack.subject),
      speaker,
      state,
      announcementText(announcement),
    ]),
  );
  if (rows.length === 0) return null;
  const columns = [
    { title: 'announced', whole: true },
    { title: 'speaker' },
    { title: 'state', whole: true },
    { title: 'what' },
  ];
  return table(columns, rows, view.width);
}
