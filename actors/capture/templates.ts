/**
 * The templates of one listener as they are kept beside it: they outlive the listener's socket, its actor and, in the
 * journal, the daemon.
 *
 * A table that its owner changes in place. At most `bound` templates, the one sent longest ago goes first; the journal
 * gets each once, and again when it comes anew.
 */
import { isWithdrawn, type StoredTemplate } from '../../domain/flow.js';
import type { UnixMicros } from '../../domain/units.js';

export type TemplateShelf = {
  /** By `keyOf`, the one sent or withdrawn longest ago first. */
  readonly templates: Map<string, StoredTemplate>;
  /** Those that the journal does not have yet. */
  readonly unwritten: Set<string>;
  /** A reload may change it. */
  bound: number;
  /** Gave way to others. */
  evicted: number;
};

const keyOf = ({ protocol, address, domain, templateId }: StoredTemplate): string =>
  `${protocol} ${address} ${domain} ${templateId}`;

/** `kept`: what the journal has. */
export function templateShelf(kept: readonly StoredTemplate[], bound: number): TemplateShelf {
  const shelf: TemplateShelf = { templates: new Map(), unwritten: new Set(), bound, evicted: 0 };
  for (const template of [...kept].sort((a, b) => a.seenAt - b.seenAt)) put(shelf, template);
  shelf.unwritten.clear();
  return shelf;
}

export function shelve(shelf: TemplateShelf, taken: readonly StoredTemplate[]): void {
  for (const template of taken) put(shelf, template);
}

function put(shelf: TemplateShelf, template: StoredTemplate): void {
  const key = keyOf(template);
  shelf.templates.delete(key); // to the end of the order
  shelf.templates.set(key, template);
  shelf.unwritten.add(key);
  for (const oldest of shelf.templates.keys()) {
    if (shelf.templates.size <= shelf.bound) return;
    shelf.templates.delete(oldest);
    shelf.unwritten.delete(oldest);
    shelf.evicted += 1;
  }
}

/** Those that are still good at `at`; the others are let go. */
export function goodTemplates(
  shelf: TemplateShelf,
  at: UnixMicros,
  lifetimeMicros: number,
): readonly StoredTemplate[] {
  for (const [key, { seenAt }] of shelf.templates) {
    if (at - seenAt < lifetimeMicros) continue;
    shelf.templates.delete(key);
    shelf.unwritten.delete(key);
  }
  return [...shelf.templates.values()].filter((template) => !isWithdrawn(template));
}

/** At most `count` of those the journal does not have; they count as written from here on. */
export function toWrite(shelf: TemplateShelf, count: number): readonly StoredTemplate[] {
  const chosen: StoredTemplate[] = [];
  for (const key of shelf.unwritten) {
    if (chosen.length >= count) break;
    shelf.unwritten.delete(key);
    const template = shelf.templates.get(key);
    if (template === undefined) continue;
    chosen.push(template);
    if (isWithdrawn(template)) shelf.templates.delete(key);
  }
  return chosen;
}

/** The journal did not take these: they are offered again, unless newer ones have come. */
export function notWritten(shelf: TemplateShelf, templates: readonly StoredTemplate[]): void {
  for (const template of templates) {
    const key = keyOf(template);
    const now = shelf.templates.get(key);
    if (now === template) shelf.unwritten.add(key);
    else if (now === undefined && isWithdrawn(template)) put(shelf, template);
  }
}
