/** What the doctor asks of the daemon's rooms: the configuration in force, this machine, the wire. */
import type { DoctorDeps } from '../actors/control/doctor.js';
import { listenerName } from '../config/difference.js';
import type { UnixMicros } from '../domain/units.js';
import { machineFacts } from '../integrations/machine/datagram-settings.js';
import { acceptedBy, flowPolicy } from './flow-listening.js';
import type { Live } from './rooms.js';

/** `live`: a reload replaces what it holds. */
export const doctorDeps = (live: Live, startedAt: UnixMicros): DoctorDeps => ({
  settings: () => ({
    listeners: live.settings.capture.listeners.map((one) => ({
      name: listenerName(one),
      address: one.address,
      port: one.port,
      transport: one.transport,
      accepts: acceptedBy[one.family],
      spread: one.spread,
    })),
    windowMs: flowPolicy(live.settings).windowMs,
  }),
  machine: () => machineFacts(),
  witness: (ports, forMs) => live.plane.witness(ports, forMs),
  startedAt: () => startedAt,
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
});
