/** What no single key can show of those who are told. */
import type { Plan, Tell } from './plan.js';

export function checkReceivers({ notify, origins }: Plan, tell: Tell): void {
  const seen = new Set<string>();
  for (const one of notify.receivers) {
    const path = origins.get(one) ?? 'notify';
    if (seen.has(one.name)) {
      tell('error', `${path}.name`, `two receivers are called '${one.name}'`, 'give each a name of its own');
    }
    seen.add(one.name);
    if (one.kind !== 'mail') continue;
    if (one.to.length === 0) {
      tell('error', `${path}.to`, 'there is nobody to send mail to', 'list addresses: to: [noc@example.net]');
    }
    if ((one.user === null) !== (one.password === null)) {
      tell('error', path, 'a user and its password go together, and one is missing', 'set both, or neither');
    }
    if (one.security === 'none' && one.user !== null) {
      tell('warning', `${path}.security`, 'the password is sent in the clear', 'write starttls or tls');
    }
  }
}
