/**
 * The control socket's wire form: one JSON value a line, UTF-8, ended by a newline, in both directions.
 *
 * A splitter keeps at most `bound` bytes of an unfinished line: who sends more is cut off. Pure but for
 * the buffer it owns.
 */

/** A request is small; an answer lists hosts and attacks. */
export const maxRequestBytes = 64 * 1024;
export const maxAnswerBytes = 256 * 1024 * 1024;

export const socketName = 'control.sock';

export type Lines = {
  /** The lines that `chunk` has finished, or 'too long' when the bound is passed. */
  readonly push: (chunk: Uint8Array) => readonly string[] | 'too long';
};

const newline = 0x0a;

export function lineSplitter(bound: number): Lines {
  let parts: Uint8Array[] = [];
  let held = 0;
  const take = (last: Uint8Array): string => {
    const line = Buffer.concat([...parts, last]).toString('utf8');
    parts = [];
    held = 0;
    return line;
  };
  return {
    push: (chunk) => {
      const lines: string[] = [];
      let rest = chunk;
      for (;;) {
        const end = rest.indexOf(newline);
        if (held + (end < 0 ? rest.length : end) > bound) return 'too long';
        if (end < 0) break;
        lines.push(take(rest.subarray(0, end)));
        rest = rest.subarray(end + 1);
      }
      if (rest.length > 0) {
        parts.push(rest);
        held += rest.length;
      }
      return lines;
    },
  };
}

export const asLine = (value: unknown): string => `${JSON.stringify(value)}\n`;
