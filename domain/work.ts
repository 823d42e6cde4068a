/**
 * Work in steps, for what takes longer than an event loop may be held: it yields wherever it can be interrupted, about a
 * millisecond apart or less, and its value comes at the end. Who carries it out decides when it goes on. Pure.
 */
export type Work<T> = Generator<undefined, T, undefined>;

/** What came of it. */
export type Outcome<T> = { readonly value: T } | { readonly thrown: unknown };

/** All of it at once. */
export function finished<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}
