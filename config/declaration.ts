/**
 * How the keys of a file are declared, as data: `schema.ts` is one such declaration, from which
 * validation, types and documentation are all made.
 */
import type { Demands, FormatName } from './formats.js';
import type { Fault } from './quantities.js';
import type { Severity } from './settings.js';
import type { PlainValue } from './yaml-source.js';

/** One value. `fallback` undefined in a `required` leaf: none; in another: what the outer level says. */
export type Leaf<T> = {
  readonly kind: 'leaf';
  readonly format: FormatName;
  readonly fallback: T | undefined;
  readonly required: boolean;
  readonly demands: Demands;
  readonly doc: string;
  /** Documentation of a default that is not a value ('as in `global`'). */
  readonly fallbackWords: string | null;
  /** Environment variable that overrides the file. */
  readonly env: string | null;
};
export type Keys = { readonly [key: string]: Node };
export type Section<K extends Keys> = { readonly kind: 'section'; readonly keys: K; readonly doc: string };
/** `shorthand`: a bare text in place of an item's mapping is the value of this key. */
export type List<I extends Leaf<unknown> | Section<Keys>> = {
  readonly kind: 'list';
  readonly item: I;
  readonly shorthand: string | null;
  readonly doc: string;
};
/** A section whose feature is not built yet: its shape is accepted and its being on is reported. */
export type Later = { readonly kind: 'later'; readonly doc: string; readonly severity: Severity };
/** A value in a small language of its own: `read` tells each fault at its path and gives what is right of it. */
export type Grammar<T> = {
  readonly kind: 'grammar';
  readonly doc: string;
  /** How the documentation names it. */
  readonly words: string;
  readonly read: (
    value: PlainValue,
    path: string,
    fault: (path: string, fault: Fault) => void,
  ) => readonly T[];
};
export type Node =
  | Leaf<unknown>
  | Section<Keys>
  | List<Leaf<unknown> | Section<Keys>>
  | Grammar<PlainValue>
  | Later;

/** The values of a validated file. An item of a list that had a fault is undefined. */
export type ValuesOf<N> =
  N extends Leaf<infer T>
    ? T
    : N extends Section<infer K>
      ? { readonly [P in keyof K]: ValuesOf<K[P]> }
      : N extends List<infer I>
        ? readonly (ValuesOf<I> | undefined)[]
        : N extends Grammar<infer G>
          ? readonly G[]
          : undefined;

type Extra = Demands & { readonly env?: string; readonly words?: string };

/** A value with a default. */
export const leaf = <T>(format: FormatName, fallback: T, doc: string, extra: Extra = {}): Leaf<T> => ({
  kind: 'leaf',
  format,
  fallback,
  required: false,
  demands: extra,
  doc,
  fallbackWords: extra.words ?? null,
  env: extra.env ?? null,
});

/** A value that has no default. */
export const required = <T>(format: FormatName, doc: string, demands: Demands = {}): Leaf<T> => ({
  kind: 'leaf',
  format,
  fallback: undefined,
  required: true,
  demands,
  doc,
  fallbackWords: null,
  env: null,
});

/** A value that the outer level gives when it is not set here. */
export const inherited = <T>(
  format: FormatName,
  doc: string,
  words: string,
  demands: Demands = {},
): Leaf<T | undefined> => ({
  kind: 'leaf',
  format,
  fallback: undefined,
  required: false,
  demands,
  doc,
  fallbackWords: words,
  env: null,
});

export const choice = <const O extends readonly string[]>(
  options: O,
  fallback: O[number],
  doc: string,
): Leaf<O[number]> => leaf<O[number]>('choice', fallback, doc, { options });

export const section = <K extends Keys>(doc: string, keys: K): Section<K> => ({ kind: 'section', keys, doc });

export const list = <I extends Leaf<unknown> | Section<Keys>>(
  doc: string,
  item: I,
  shorthand: string | null = null,
): List<I> => ({ kind: 'list', item, shorthand, doc });

/** 'warning' where the operator would otherwise believe that traffic is watched or an attack is announced. */
export const later = (doc: string, severity: Severity = 'note'): Later => ({ kind: 'later', doc, severity });
