/** The configured speakers as children of the `speakers` roster: an announcer each, over the integration that speaks to it. */
import { announcerActor } from '../actors/mitigation/announcer.js';
import type { AnnouncerMessage } from '../actors/mitigation/announcer-messages.js';
import type { LedgerMessage } from '../actors/mitigation/messages.js';
import type { BgpSettings, ExabgpSettings, GobgpSettings } from '../config/settings.js';
import type { SpeakerOpener } from '../domain/speaker.js';
import { exabgpSpeaker } from '../integrations/bgp/exabgp.js';
import { gobgpSpeaker } from '../integrations/bgp/gobgp.js';
import type { Ref } from '../supervision/behaviour.js';
import type { Place } from '../supervision/place.js';
import type { Wanted } from '../supervision/roster.js';

/** What a speaker is reached by, which makes it another one when it changes, and how it is opened. */
type Reach = {
  readonly link: GobgpSettings | ExabgpSettings;
  readonly open: (deadlineMs: number) => SpeakerOpener;
};

function reaches({ gobgp, exabgp }: BgpSettings): ReadonlyMap<string, Reach> {
  return new Map<string, Reach>([
    ...gobgp.map((link): [string, Reach] => [
      link.name,
      { link, open: (deadlineMs) => gobgpSpeaker({ ...link, deadlineMs }) },
    ]),
    // Each request brings its own deadline, and the pipes need no other.
    ...exabgp.map((link): [string, Reach] => [link.name, { link, open: () => exabgpSpeaker(link) }]),
  ]);
}

/** `placeOf`: the address of each, which the ledger knows too. */
export function wantedAnnouncers(
  bgp: BgpSettings,
  ledger: Ref<LedgerMessage>,
  placeOf: (name: string) => Place<AnnouncerMessage>,
): readonly Wanted[] {
  const byName = reaches(bgp);
  return bgp.policy.speakers.flatMap((policy): readonly Wanted[] => {
    const reach = byName.get(policy.name);
    if (reach === undefined) return [];
    const { name, reconcileMs, deadlineMs } = policy;
    const open = reach.open(deadlineMs);
    const spec = announcerActor({ name, reconcileMs, deadlineMs, open, ledger, random: Math.random });
    return [
      { edition: JSON.stringify([reach.link, reconcileMs, deadlineMs]), spec: placeOf(name).child(spec) },
    ];
  });
}
