/** What tests of several rooms need: an attack, a mitigation and a sampled packet with sensible values, changed as told. */
import { noCommunities } from './announcement.js';
import { type Attack, attackId, type SampledPacket } from './attack.js';
import type { MitigationPolicy, SpeakerPolicy } from './bgp.js';
import { type Mitigation, type MitigationEffect, notAnnounced } from './mitigation.js';
import { quietRates, type Rates } from './traffic.js';
import type { HostKey, UnixMicros } from './units.js';

/** 2026-11-23T00:39:40Z. */
export const rehearsalStart: UnixMicros = 1_795_394_380_000_000;

export const ratesOf = (change: Partial<Rates>): Rates => ({ ...quietRates, ...change });

/** What a cause says that rests on every packet. */
export const unsampled = { samples: null, interval: null } as const;

/** A UDP flood of 41,250 packets and 462 Mbit a second on 192.0.2.7. */
export const anAttack = (change: Partial<Attack> = {}, serial = 1): Attack => ({
  id: attackId(rehearsalStart, serial),
  origin: 'detected',
  subject: { kind: 'host', host: '192.0.2.7' as HostKey },
  direction: 'incoming',
  hostgroup: 'global',
  cause: { scope: 'host', metric: 'pps', rate: 41_250, threshold: 20_000, ...unsampled },
  startedAt: rehearsalStart,
  endedAt: null,
  ratesAtStart: {
    incoming: ratesOf({
      total: { pps: 41_250, bps: 462e6 },
      udp: { pps: 41_250, bps: 462e6 },
      flows: 310,
    }),
    outgoing: ratesOf({ total: { pps: 12, bps: 5000 }, tcp: { pps: 12, bps: 5000 } }),
  },
  peak: { pps: 41_250, bps: 462e6 },
  fingerprint: null,
  files: [],
  evidence: 'gathering',
  whitelisted: false,
  returns: 0,
  ...change,
});

export function aMitigation(change: Partial<Mitigation> = {}): Mitigation {
  const attack = change.attack ?? anAttack();
  return {
    id: attack.id,
    attack,
    state: 'wanted',
    since: attack.startedAt,
    until: null,
    comment: '',
    notified: 'nothing',
    ...notAnnounced,
    ...change,
  };
}

/** As judged at once, and seen nowhere. */
export const anEffect = (change: Partial<MitigationEffect> = {}): MitigationEffect => ({
  state: 'effective',
  since: rehearsalStart,
  seen: [],
  goneAt: [],
  remaining: null,
  comparedWith: null,
  reason: null,
  ...change,
});

/** Takes host routes of both families and flowspec rules, by next hops 192.0.2.1 and 100::1. */
export const aSpeaker = (change: Partial<SpeakerPolicy> = {}): SpeakerPolicy => ({
  name: 'edge-1',
  ipv4: { host: { nextHop: '192.0.2.1' as HostKey, communities: noCommunities }, subnet: null },
  ipv6: { host: { nextHop: '100::1' as HostKey, communities: noCommunities }, subnet: null },
  flowspec: { communities: noCommunities, maxRules: 100 },
  reconcileMs: 60_000,
  deadlineMs: 5000,
  ...change,
});

/** One speaker, and guards that hold nothing back that is sane. */
export const aMitigationPolicy = (change: Partial<MitigationPolicy> = {}): MitigationPolicy => ({
  speakers: [aSpeaker()],
  guard: {
    maxAnnouncements: 1000,
    maxChangesPerMinute: 1000,
    shortestIpv4: 24,
    shortestIpv6: 48,
    dryRun: false,
  },
  flowspec: { coverage: 0.9, maxRules: 5, action: { kind: 'discard' }, maxCollateral: 0.1 },
  uplink: { bitsPerSecond: null },
  proof: { settleMs: 5000, effectiveBelow: 0.1, partialBelow: 0.5, escalate: 'none' },
  ...change,
});

/** A UDP packet of 1,400 bytes towards 192.0.2.7:4444. */
export const aPacket = (change: Partial<SampledPacket> = {}): SampledPacket => ({
  at: rehearsalStart,
  direction: 'incoming',
  source: '198.51.100.9',
  destination: '192.0.2.7',
  protocol: 17,
  sourcePort: 53,
  destinationPort: 4444,
  tcpFlags: 0,
  ttl: 57,
  fragment: false,
  firstFragment: false,
  wireLength: 1400,
  ipLength: 1386,
  sampling: 1,
  bytes: null,
  ...change,
});
