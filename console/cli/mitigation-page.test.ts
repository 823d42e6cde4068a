import { describe, expect, test } from 'vitest';
import type { Status } from '../../actors/control/messages.js';
import { noCommunities } from '../../domain/announcement.js';
import type { Holding, Mitigation } from '../../domain/mitigation.js';
import { aMitigation, anEffect, rehearsalStart } from '../../domain/rehearsal.js';
import type { HostKey, PrefixKey } from '../../domain/units.js';
import { holdingTable, mitigationLines, speakerTable, standing } from './mitigation-page.js';
import { terminal } from './terminal.js';

const view = terminal({ write: () => true }, { write: () => true }, {});
const report: NonNullable<Status['mitigation']> = {
  mitigations: 3,
  wanted: 5,
  announced: 4,
  held: 3,
  leaving: 1,
  heldBack: { whitelisted: 1, changes_per_minute: 2 },
  changesLastMinute: 7,
  stopped: null,
  dryRun: false,
  refused: 0,
  refusedBySpeakers: 0,
};
const speaker: Status['speakers'][number] = {
  name: 'edge-1',
  state: 'down',
  version: '3.10.0',
  wanted: 4,
  held: 3,
  pending: 1,
  refused: 0,
  foreign: 12,
  lastReconciledAt: rehearsalStart,
  repaired: { announced: 2, withdrawn: 1 },
  retries: 0,
  lastError: 'SPEAKER_UNREACHABLE:\nno answer',
};
const status = { mitigation: report, speakers: [speaker] } as unknown as Status;

describe('how announcing stands', () => {
  test('counts, and what each guard holds back', () => {
    expect(mitigationLines(status, view)?.split('\n')).toEqual([
      'announcements: 5 wanted, 4 announced, 3 held, 1 leaving, 7 changes in the last minute',
      'held back: 1 by whitelisted (overlaps a whitelisted prefix)',
      'held back: 2 by changes per minute (as many changes as are allowed within a minute)',
    ]);
  });

  test('a stop says since when, why, and how it ends; also where no speaker is configured', () => {
    const stopped = { since: rehearsalStart, comment: 'wrong\nthresholds' };
    const said = mitigationLines({ ...status, mitigation: { ...report, stopped }, speakers: [] }, view);
    expect(said).toContain(
      "announcing is stopped since 2026-11-23T00:39:40 (wrong thresholds); 'tidegate mitigation start' lets it go on",
    );
  });

  test('without speakers there is nothing to say', () => {
    expect(mitigationLines({ ...status, speakers: [] }, view)).toBe(null);
  });

  test('a speaker has a line, with what it said on one', () => {
    expect(speakerTable(status, view).split('\n')[1]).toBe(
      'edge-1   down   3.10.0        4     3        1        0       12         3  2026-11-23T00:39:40  SPEAKER_UNREACHABLE: no answer',
    );
  });
});

const route: Holding['announcement'] = {
  kind: 'unicast',
  prefix: '192.0.2.7/32' as PrefixKey,
  nextHop: '192.0.2.1' as HostKey,
  communities: { ...noCommunities, standard: [[65001, 666]] },
};
const held: Holding = { speaker: 'edge-1', announcement: route, state: 'held' };
const partial = anEffect({ state: 'partial', seen: [{ source: 'eth1', pps: 1, bps: 1 }] });
const less = anEffect({ ...partial, remaining: 0.402 });
const unproven = anEffect({ state: 'unproven', reason: 'eth2 saw it, and is not open' });

const rows: readonly { readonly change: Partial<Mitigation>; readonly says: string }[] = [
  { change: {}, says: '' },
  { change: { holdings: [held] }, says: 'announced' },
  { change: { holdings: [held, { ...held, state: 'wanted' }] }, says: 'announcing' },
  { change: { heldBack: 'max_announcements' }, says: 'held back: max announcements' },
  { change: { holdings: [held], heldBack: 'whitelisted' }, says: 'announced, held back: whitelisted' },
  { change: { holdings: [held], effect: partial }, says: 'announced, partial: eth1' },
  { change: { holdings: [held], effect: less }, says: 'announced, partial: 40 % at eth1' },
  {
    change: { holdings: [held], effect: unproven },
    says: 'announced, unproven: eth2 saw it, and is not open',
  },
  { change: { noRules: 'they would hit 31 %' }, says: 'no rules: they would hit 31 %' },
  {
    change: { holdings: [held], noRules: 'x', escalated: 'no rules can be made of the evidence: x' },
    says: 'announced, blackhole: no rules can be made of the evidence: x',
  },
  { change: { state: 'released', holdings: [{ ...held, state: 'leaving' }] }, says: 'leaving' },
];
for (const { change, says } of rows) {
  test(`a mitigation stands as '${says}'`, () => expect(standing(aMitigation(change))).toBe(says));
}

test('what each speaker holds has a line', () => {
  expect(holdingTable([aMitigation({ holdings: [held] })], view)?.split('\n')).toEqual([
    'announced  speaker  state  what',
    '192.0.2.7  edge-1   held   unicast 192.0.2.7/32 next-hop 192.0.2.1 65001:666',
  ]);
  expect(holdingTable([aMitigation()], view)).toBe(null);
});
