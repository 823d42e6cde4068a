/** An engine and a capture that it reads by the capture's own clock, as `tidegate replay` has them. */
import type { Settings } from '../config/settings.js';
import type { Result } from '../domain/result.js';
import { type Engine, openEngine } from '../native/door/engine.js';
import { loadDoor } from '../native/door/load.js';
import type { ReplaySource } from '../native/door/source.js';
import { flowReplaying } from './flow-listening.js';

export type ReplaySettings = Pick<Settings, 'networks' | 'whitelist' | 'hostgroups' | 'capture' | 'evidence'>;

export type ReplayCapture = {
  readonly path: string;
  readonly flows: boolean;
  /** What each packet of the capture stands for. */
  readonly sampling: number;
};

/** Any key will do that is always the same. */
export const replaySeed = 0x7469_6465_6761_7465n;

export type OpenedReplay = { readonly engine: Engine; readonly source: ReplaySource };

/** `tickMs`: how much of the capture one step reads. CAPTURE_UNREADABLE. */
export function openReplaySource(
  settings: ReplaySettings,
  capture: ReplayCapture,
  tickMs: number,
): Result<OpenedReplay> {
  const engine = openEngine(loadDoor(), {
    networks: settings.networks,
    hostgroups: settings.hostgroups,
    tickMs,
    ipv6Hosts: settings.capture.ipv6Hosts,
    countFlows: settings.capture.countFlows,
    flowSlots: settings.capture.flowSlots,
    seed: replaySeed,
    sampleBytes: settings.evidence.sampleBytes,
  });
  const opened = engine.openReplay({
    path: capture.path,
    lengthFromIp: false,
    sampling: capture.sampling,
    flow: capture.flows ? flowReplaying(settings) : null,
  });
  return opened.ok ? { ok: true, value: { engine, source: opened.value } } : opened;
}
