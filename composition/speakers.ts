/** The configured speakers as children of the `speakers` roster: an announcer each, over the integration that speaks to it. */
import { announcerActor } from '../actors/mitigation/announcer.js';
import type { AnnouncerMessage } from '../actors/mitigation/announcer-messages.js';
import type { LedgerMessage } from '../actors/mitigation/messages.js';
import type { BgpSettings, GobgpSettings } from '../config/settings.js';
import { gobgpSpeaker } from '../integrations/bgp/gobgp.js';
import type { Ref } from '../supervision/behaviour.js';
import type { Place } from '../supervision/place.js';
import type { Wanted } from '../supervision/roster.js';

/** What a speaker is reached by, and what makes it another one: a change of either needs a new announcer. */
function links({ gobgp }: BgpSettings): ReadonlyMap<string, GobgpSettings> {
  return new Map(gobgp.map((link) => [link.name, link]));
}

/** `placeOf`: the address of each, which the ledger knows too. */
export function wantedAnnouncers(
  bgp: BgpSettings,
  ledger: Ref<LedgerMessage>,
  placeOf: (name: string) => Place<AnnouncerMessage>,
): readonly Wanted[] {
  const byName = links(bgp);
  return bgp.policy.speakers.flatMap((policy): readonly Wanted[] => {
    const link = byName.get(policy.name);
    if (link === undefined) return [];
    const { name, reconcileMs, deadlineMs } = policy;
    const open = gobgpSpeaker({ ...link, deadlineMs });
    const spec = announcerActor({ name, reconcileMs, deadlineMs, open, ledger, random: Math.random });
    return [{ edition: JSON.stringify([link, reconcileMs, deadlineMs]), spec: placeOf(name).child(spec) }];
  });
}
