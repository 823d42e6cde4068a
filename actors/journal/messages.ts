/** Protocol of the journal actor: writes in batches, answers when they are durable. */
import type { Attack } from '../../domain/attack.js';
import type { JournalEntry, KeptMitigation } from '../../domain/ports.js';
import type { Result } from '../../domain/result.js';

export type JournalMessage =
  | {
      readonly kind: 'write';
      readonly entries: readonly JournalEntry[];
      readonly reply: (result: Result<void>) => void;
    }
  /** What is still on, after every write that was sent before this question. */
  | {
      readonly kind: 'active';
      readonly reply: (mitigations: Result<readonly KeptMitigation[]>) => void;
    }
  /** All notes. */
  | { readonly kind: 'notes'; readonly reply: (notes: Result<ReadonlyMap<string, string>>) => void }
  /** The batch under way has come back. */
  | { readonly kind: 'appended'; readonly result: Result<void> }
  /** Try the batch under way again. */
  | { readonly kind: 'retry' }
  | {
      readonly kind: 'history';
      readonly limit: number;
      readonly reply: (attacks: Result<readonly Attack[]>) => void;
    };
