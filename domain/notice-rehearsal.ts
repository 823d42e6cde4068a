/** For tests of notices: a mitigation in few words, and a notice of it. */
import type { Attack } from './attack.js';
import { type Mitigation, notAnnounced } from './mitigation.js';
import { type Notice, noticesOf } from './notice.js';
import { quietRates } from './traffic.js';
import type { AttackId, HostKey } from './units.js';

const startedAt = 1_795_480_780_000_000;

export const someAttack = (change: Partial<Attack> = {}): Attack => ({
  id: 'A0i3x5k9c2-1' as AttackId,
  origin: 'detected',
  subject: { kind: 'host', host: '192.0.2.7' as HostKey },
  direction: 'incoming',
  hostgroup: 'global',
  cause: {
    scope: 'host',
    metric: 'pps',
    rate: 41_250.4,
    threshold: 20_000,
    samples: null,
    interval: null,
  },
  startedAt,
  endedAt: null,
  ratesAtStart: { incoming: quietRates, outgoing: quietRates },
  peak: { pps: 41_250, bps: 462_000_000 },
  fingerprint: null,
  files: [],
  evidence: 'gathering',
  whitelisted: false,
  returns: 0,
  ...change,
});

export const someMitigation = (change: Partial<Mitigation> = {}): Mitigation => ({
  id: 'A0i3x5k9c2-1' as AttackId,
  attack: someAttack(),
  state: 'wanted',
  since: startedAt,
  until: null,
  comment: '',
  notified: 'nothing',
  ...notAnnounced,
  action: 'blackhole',
  ...change,
});

/** `serial` makes it an event of its own. */
export function someNotice(serial = 1): Notice {
  const id = `A0i3x5k9c2-${serial.toString(36)}` as AttackId;
  const [notice] = noticesOf(null, someMitigation({ id, attack: someAttack({ id }) }), startedAt);
  if (notice === undefined) throw new Error('a new mitigation has a notice');
  return notice;
}
