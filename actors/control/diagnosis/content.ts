/** What is in the records: traffic that is counted twice, that is not ours, or that cannot be told apart. Pure. */
import type { Diagnosis } from '../../../domain/diagnosis.js';
import { duplicateShareLimit, leastDuplicatesLookedAt } from '../../../domain/flow.js';
import type { ExporterFacts } from './facts.js';
import { leastOutsideRecords, leastShortHeaders, outsideShare, shortHeaderShare } from './limits.js';
import { commandsFor } from './tables/commands.js';
import { nameOf, ofExporter, percentText, share } from './wording.js';

export function duplicates(facts: ExporterFacts): readonly Diagnosis[] {
  const { now, period } = facts;
  const twice = share(period.duplicates, period.duplicatesLookedAt);
  if (period.duplicatesLookedAt < leastDuplicatesLookedAt || twice < duplicateShareLimit) return [];
  return [
    ofExporter(facts, {
      code: 'duplicates',
      severity: 'fault',
      sentence:
        `${percentText(twice)} of the flows that ${nameOf(now)} reports are reported a second time, by another of its ` +
        'interfaces or by another device: they count twice.',
      remedy:
        'Watch traffic at one point only: inward on the edge interfaces; or leave out the second point with a rule under filters.',
      commands: commandsFor('observe_once', now.protocol),
      evidence: { duplicates: period.duplicates, duplicatesLookedAt: period.duplicatesLookedAt },
    }),
  ];
}

export function outsideNetworks(facts: ExporterFacts): readonly Diagnosis[] {
  const { now, period } = facts;
  const outside = share(period.recordsOutside, period.records);
  if (period.records < leastOutsideRecords || outside < outsideShare) return [];
  return [
    ofExporter(facts, {
      code: 'outside_networks',
      severity: 'fault',
      sentence:
        `${percentText(outside)} of what ${nameOf(now)} reports neither comes from nor goes to a network of ours: ` +
        'it is not watched.',
      remedy:
        'Add the missing prefixes to networks; if they are all there, export the interfaces that our traffic passes, and before NAT.',
      commands: [],
      evidence: { recordsOutside: period.recordsOutside, records: period.records },
    }),
  ];
}

export function shortHeaders(facts: ExporterFacts): readonly Diagnosis[] {
  const { now, period } = facts;
  const cut = share(period.shortHeaders, period.records);
  if (period.shortHeaders < leastShortHeaders || cut < shortHeaderShare) return [];
  return [
    ofExporter(facts, {
      code: 'short_headers',
      severity: 'fault',
      sentence:
        `${percentText(cut)} of the packets that ${nameOf(now)} samples are cut before their TCP or UDP header ends: ` +
        'thresholds of a protocol or of SYN packets do not see them.',
      remedy: 'Sample the first 128 bytes of a packet.',
      commands: commandsFor('longer_headers', now.protocol),
      evidence: { shortHeaders: period.shortHeaders, records: period.records },
    }),
  ];
}
