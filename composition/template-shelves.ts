/** The kept templates of all listeners: what the journal had at the start, and what has come since. */
import { type TemplateShelf, templateShelf } from '../actors/capture/templates.js';
import type { ListenerSettings } from '../config/settings.js';
import type { StoredTemplate } from '../domain/flow.js';
import type { KeptTemplate } from '../domain/ports.js';
import type { UnixMicros } from '../domain/units.js';

/** The longest lifetime that a configuration may give a template. */
export const longestTemplateLifetimeMicros: UnixMicros = 7 * 86_400e6;

/** sFlow has no templates, and those that came over TCP went with their connection. */
export const keepsTemplates = ({ family, transport }: ListenerSettings): boolean =>
  family !== 'sflow' && transport === 'udp';

export type TemplateShelves = {
  /** The shelf of a listener, the same one through reloads and crashes. */
  readonly of: (listener: string, bound: number) => TemplateShelf;
  /** Lets go the shelves of listeners that are no more; at the next start the journal has what they held. */
  readonly retain: (listeners: readonly string[]) => void;
};

export function templateShelves(kept: readonly KeptTemplate[]): TemplateShelves {
  const waiting = new Map<string, StoredTemplate[]>();
  for (const { listener, template } of kept) {
    const own = waiting.get(listener);
    if (own === undefined) waiting.set(listener, [template]);
    else own.push(template);
  }
  const shelves = new Map<string, TemplateShelf>();
  return {
    of: (listener, bound) => {
      const known = shelves.get(listener);
      if (known !== undefined) {
        known.bound = bound;
        return known;
      }
      const made = templateShelf(waiting.get(listener) ?? [], bound);
      waiting.delete(listener);
      shelves.set(listener, made);
      return made;
    },
    retain: (listeners) => {
      for (const known of shelves.keys()) if (!listeners.includes(known)) shelves.delete(known);
    },
  };
}
