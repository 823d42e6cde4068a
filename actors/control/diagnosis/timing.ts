/** When records come, and by whose clock. Pure. */
import type { Diagnosis } from '../../../domain/diagnosis.js';
import { clockSkewLimitSeconds } from '../../../domain/flow.js';
import type { ExporterFacts } from './facts.js';
import {
  leastDatagramsForSilence,
  leastDatagramsForSkew,
  longActiveTimeoutSeconds,
  longInactiveTimeoutSeconds,
  silenceGaps,
  silenceSeconds,
  windowSlackSeconds,
} from './limits.js';
import { commandsFor } from './tables/commands.js';
import { nameOf, ofExporter, protocolTitle, spanText } from './wording.js';

export function activeTimeout(facts: ExporterFacts, windowMs: number, spread: boolean): readonly Diagnosis[] {
  const { now } = facts;
  const seconds = now.activeTimeoutSeconds;
  const windowSeconds = windowMs / 1000;
  if (seconds === null || seconds <= windowSeconds + windowSlackSeconds) return [];
  // Spread records count rightly at any length; they only come late.
  if (spread && seconds <= longActiveTimeoutSeconds) return [];
  const consequence = spread
    ? `it is counted over its own time, so the rates are right, but an attack is seen up to ${spanText(seconds)} late`
    : `it counts at once as traffic of one window of ${spanText(windowSeconds)}, up to ` +
      `${Math.round(seconds / windowSeconds)} times too much`;
  return [
    ofExporter(facts, {
      code: 'active_timeout_longer_than_window',
      severity: spread ? 'hint' : 'fault',
      sentence: `${nameOf(now)} reports a flow that goes on only every ${spanText(seconds)}: ${consequence}.`,
      remedy: spread
        ? 'Set the active timeout to 60 s or less.'
        : "Set the active timeout to 60 s or less, and the listener's spread to true.",
      commands: commandsFor('active_timeout', now.protocol),
      evidence: { activeTimeoutSeconds: seconds, windowSeconds },
    }),
  ];
}

export function inactiveTimeout(facts: ExporterFacts): readonly Diagnosis[] {
  const { now } = facts;
  const seconds = now.inactiveTimeoutSeconds;
  if (seconds === null || seconds <= longInactiveTimeoutSeconds) return [];
  return [
    ofExporter(facts, {
      code: 'inactive_timeout_long',
      severity: 'hint',
      sentence:
        `${nameOf(now)} reports a flow that has ended only after ${spanText(seconds)} of silence: short flows, which ` +
        'floods are made of, are seen that late.',
      remedy: 'Set the inactive timeout to 15 s.',
      commands: commandsFor('inactive_timeout', now.protocol),
      evidence: { inactiveTimeoutSeconds: seconds },
    }),
  ];
}

export function clockSkew(facts: ExporterFacts): readonly Diagnosis[] {
  const { now } = facts;
  if (now.clockSkewMicros === null || now.datagrams < leastDatagramsForSkew) return [];
  const skewSeconds = now.clockSkewMicros / 1e6;
  if (Math.abs(skewSeconds) <= clockSkewLimitSeconds) return [];
  return [
    ofExporter(facts, {
      code: 'clock_skew',
      severity: 'fault',
      sentence:
        `The clock of ${nameOf(now)} is ${spanText(Math.abs(skewSeconds))} ${skewSeconds > 0 ? 'ahead' : 'behind'}: ` +
        'the times in its records cannot be compared with those of other devices, or with logs.',
      remedy: 'Set its clock by NTP; if all exporters are off by the same, set the clock of this machine.',
      commands: commandsFor('set_clock', now.protocol),
      evidence: { clockSkewSeconds: skewSeconds },
    }),
  ];
}

export function silent(facts: ExporterFacts, at: number): readonly Diagnosis[] {
  const { now } = facts;
  if (now.datagrams < leastDatagramsForSilence) return [];
  const quietSeconds = (at - now.lastSeen) / 1e6;
  const gapSeconds = (now.lastSeen - now.firstSeen) / 1e6 / (now.datagrams - 1);
  if (quietSeconds < Math.max(silenceSeconds, silenceGaps * gapSeconds)) return [];
  return [
    ofExporter(facts, {
      code: 'silent',
      severity: 'fault',
      sentence:
        `${nameOf(now)} has sent no ${protocolTitle(now.protocol)} for ${spanText(quietSeconds)}; before, a datagram came ` +
        `every ${spanText(gapSeconds)}: its traffic is not watched.`,
      remedy:
        'See whether the device is up, still exports to this address and port, and has a route to here that no ' +
        'firewall on the way closes.',
      commands: [],
      evidence: { quietSeconds, usualGapSeconds: gapSeconds, datagrams: now.datagrams },
    }),
  ];
}
