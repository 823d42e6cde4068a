/** Protocol of the script actor: runs the notify script, bounded in number and time, in order for each subject. */

import type { ScriptAction, ScriptRun } from '../../domain/ports.js';
import type { AttackId } from '../../domain/units.js';

export type ScriptReport = {
  readonly running: number;
  readonly waiting: number;
  readonly started: number;
  readonly failed: number;
  readonly timedOut: number;
  readonly dropped: number;
};

/** 'refused': no room; 'missing': there is no such program. Both: hand it over again later. */
export type NotifyOutcome = 'started' | 'refused' | 'missing';

export type ScriptMessage =
  | {
      readonly kind: 'notify';
      readonly attack: AttackId;
      readonly action: ScriptAction;
      readonly subject: string;
      readonly direction: string;
      /** Packets per second, whole. */
      readonly power: number;
      readonly stdin: ScriptRun['stdin'];
      /** Called once: when the program has been started, or when it cannot be. */
      readonly settled: (outcome: NotifyOutcome) => void;
    }
  | {
      readonly kind: 'finished';
      readonly attack: AttackId;
      readonly action: ScriptAction;
      readonly failed: boolean;
      readonly timedOut: boolean;
    }
  | { readonly kind: 'report'; readonly reply: (report: ScriptReport) => void };
