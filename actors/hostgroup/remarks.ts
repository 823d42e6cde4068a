/** What a hostgroup says in the log of what it decides: one line an attack, none a tick. */
import { type Attack, subjectText } from '../../domain/attack.js';
import type { Pace } from '../../domain/pace.js';
import type { Clock, Log } from '../../domain/ports.js';
import { type Effect, maxAttacks } from './rounds.js';

type Said = { readonly log: Log; readonly clock: Clock };

export function remark(effect: Effect, hostgroup: string, refusals: Pace, { log, clock }: Said): void {
  switch (effect.kind) {
    case 'start':
      if (effect.mode === 'new') log.warn('attack found', attackFields(effect.attack));
      else log.info('attack goes on', attackFields(effect.attack));
      return;
    case 'widened':
      log.warn('attack in a second direction', {
        attack: effect.attack.id,
        subject: subjectText(effect.attack.subject),
        direction: effect.by.direction,
        ...effect.by.cause,
      });
      return;
    case 'suppressed':
      log.info('over a threshold, not banned', {
        subject: subjectText(effect.exceeded.subject),
        direction: effect.exceeded.direction,
        hostgroup,
        why: effect.by === 'whitelist' ? 'whitelisted' : 'banning is off for this hostgroup or family',
        ...effect.exceeded.cause,
      });
      return;
    case 'end':
      log.info('attack over', { attack: effect.attack, hostgroup });
      return;
    case 'refused': {
      const kept = refusals(clock.now());
      if (kept !== null) {
        log.error('more attacks than are held at once', {
          hostgroup,
          bound: maxAttacks,
          count: effect.count,
          kept,
        });
      }
      return;
    }
    case 'mitigate':
    case 'watch':
    case 'unwatch':
    case 'tell':
    case 'release':
      return;
  }
}

const attackFields = (attack: Attack): { readonly [field: string]: unknown } => ({
  attack: attack.id,
  subject: subjectText(attack.subject),
  direction: attack.direction,
  hostgroup: attack.hostgroup,
  ...(attack.returns > 0 ? { returns: attack.returns } : {}),
  ...attack.cause,
});
