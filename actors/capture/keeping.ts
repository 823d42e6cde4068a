/**
 * Templates of a listener, kept: taken from its source at every survey and written to the journal, given back when the
 * source is opened again, by a reload, after a crash or after a restart.
 *
 * Over TCP nothing is kept: a template is good for its connection alone (RFC 7011 section 8).
 */
import { pace } from '../../domain/pace.js';
import type { Source } from '../../domain/ports.js';
import type { Context, Ref } from '../../supervision/behaviour.js';
import type { JournalMessage } from '../journal/messages.js';
import type { SourceMessage } from './messages.js';
import { goodTemplates, notWritten, shelve, type TemplateShelf, toWrite } from './templates.js';

export type Keeping = {
  readonly shelf: TemplateShelf;
  /** A template that is older is not given back. */
  readonly lifetimeMicros: number;
  readonly journal: Ref<JournalMessage>;
};

/** Templates of one write; the next go with the next survey. */
const maxWritten = 2_000;
const complaintMs = 60_000;

export type Keeper = {
  /** To be called right after opening, before anything is read. */
  readonly giveBack: (source: Source) => void;
  readonly takeAndWrite: (source: Source) => void;
  /** Before closing: all that the journal does not have. */
  readonly takeLast: (source: Source) => void;
};

/** `listener` names whose templates they are: two programs on one machine may use the same ids at two ports. */
export function templateKeeper(
  listener: string,
  { shelf, lifetimeMicros, journal }: Keeping,
  { log, clock }: Context<SourceMessage>,
): Keeper {
  const complaint = pace(complaintMs);
  let underWay = 0;
  const unwritten = (reason: string): void => {
    const kept = complaint(clock.now());
    if (kept !== null) log.warn('templates not written', { listener, reason, kept });
  };
  /** False: there is nothing to write, or the journal takes nothing. */
  const write = (): boolean => {
    const templates = toWrite(shelf, maxWritten);
    if (templates.length === 0) return false;
    underWay += 1;
    const sent = journal.send({
      kind: 'write',
      entries: [{ kind: 'templates', listener, templates }],
      reply: (result) => {
        underWay -= 1;
        if (result.ok) return;
        notWritten(shelf, templates);
        unwritten(result.error.detail);
      },
    });
    if (sent) return true;
    underWay -= 1;
    notWritten(shelf, templates);
    unwritten('the journal takes nothing now');
    return false;
  };
  return {
    giveBack: (source) => {
      const templates = goodTemplates(shelf, clock.unixMicros(), lifetimeMicros);
      if (templates.length === 0) return;
      const taken = source.restoreTemplates(templates);
      log.info('templates given back', { listener, taken, kept: templates.length });
    },
    takeAndWrite: (source) => {
      shelve(shelf, source.takeTemplates());
      if (underWay === 0) write();
    },
    takeLast: (source) => {
      shelve(shelf, source.takeTemplates());
      let more = true;
      while (more) more = write(); // the shelf is bounded, and each round empties some of it
    },
  };
}
