/** Protocol of the journal actor: writes in batches, answers when they are durable. */
import type { Attack } from '../../domain/attack.js';
import type { JournalEntry } from '../../domain/ports.js';
import type { Result } from '../../domain/result.js';

export type JournalMessage =
  | {
      readonly kind: 'write';
      readonly entries: readonly JournalEntry[];
      readonly reply: (result: Result<void>) => void;
    }
  | {
      readonly kind: 'history';
      readonly limit: number;
      readonly reply: (attacks: Result<readonly Attack[]>) => void;
    };
