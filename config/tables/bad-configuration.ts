/** A row of the tables of bad configurations: the text, and what must be said of it. */
import type { Severity } from '../settings.js';

export type BadConfiguration = {
  readonly claim: string;
  /** Of the configuration; lines are counted from 1. */
  readonly text: string;
  /** '.yaml' unless said otherwise. */
  readonly conf?: true;
  /** Files beside it, by absolute path. */
  readonly beside?: { readonly [path: string]: string };
  readonly env?: { readonly [name: string]: string };
  readonly severity?: Severity;
  /** The configuration itself unless said otherwise. */
  readonly file?: string;
  readonly line: number | null;
  readonly key: string | null;
  readonly message: RegExp;
  readonly remedy: RegExp;
};
