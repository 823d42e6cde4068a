/** What was thrown, as one bounded line: anything can be thrown, and a log line must survive it. */

const longest = 500; // characters

export function describeError(error: unknown): string {
  try {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return text.length > longest ? `${text.slice(0, longest)}…` : text;
  } catch {
    return 'something that has no text'; // a getter or toString that throws itself
  }
}
