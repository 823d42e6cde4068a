/** For tests of notices. */
import { type Notice, noticesOf } from './notice.js';
import { aMitigation, anAttack } from './rehearsal.js';

/** That an attack began. `serial` makes it an event of its own. */
export function someNotice(serial = 1): Notice {
  const attack = anAttack({}, serial);
  const [notice] = noticesOf(null, aMitigation({ attack }), attack.startedAt);
  if (notice === undefined) throw new Error('a new mitigation has a notice');
  return notice;
}
