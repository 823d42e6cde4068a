/** domain/ports.ts `TapOpener` over the door. */
import { subjectText } from '../../domain/attack.js';
import type { TapOpener } from '../../domain/ports.js';
import { whole } from './checks.js';
import type { EngineHandle, NativeDoor } from './contract.js';

/** Packets that one tap may ask for. */
export const mostTapPackets = 65_536;

export const tapOpener =
  (door: NativeDoor, engine: EngineHandle): TapOpener =>
  (subject, count) => {
    const tap = door.openTap(engine, subjectText(subject), whole('count', count, 1, mostTapPackets));
    return {
      gathered: () => door.tapGathered(tap),
      read: (most = mostTapPackets) => door.readTap(tap, whole('most', most, 1, mostTapPackets)),
      seal: () => door.sealTap(tap),
      before: () => door.tapBefore(tap),
      close: () => door.closeTap(tap),
    };
  };
