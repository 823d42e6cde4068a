/** A notice in a few lines for people: the same words in chats and in mail. */
import type { Notice } from '../../domain/notice.js';

/** Lines without markup, most important first. */
export function wordsOf({ attack, mitigation, at, text }: Notice): readonly string[] {
  const peak = `${amount(attack.peak_pps)}pps, ${amount(attack.peak_bps)}bit/s`;
  const optional = (label: string, value: string | null): readonly string[] =>
    value === null || value === '' ? [] : [`${label}: ${value}`];
  return [
    text,
    `attack ${attack.id}, ${attack.direction}, hostgroup ${attack.hostgroup}, peak ${peak}`,
    ...optional('vector', attack.vector),
    `action: ${mitigation.action}, ${mitigation.state}${mitigation.until === null ? '' : ` until ${mitigation.until}`}`,
    ...optional('held back', mitigation.held_back),
    ...optional('escalated', mitigation.escalated),
    ...optional('still seen at', mitigation.seen_at.join(', ')),
    ...optional('comment', mitigation.comment),
    `at ${at}`,
  ];
}

/** '41.2 k', '1.5 G', '12 '. */
function amount(value: number): string {
  for (const [factor, sign] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (value >= factor) return `${Number((value / factor).toPrecision(3))} ${sign}`;
  }
  return `${Math.round(value)} `;
}
