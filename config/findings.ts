/** Findings: collecting them up to a bound, their order, and their text. */
import pc from 'picocolors';
import type { Finding, Severity } from './settings.js';

/** Of one severity; those beyond are counted and told as one more finding. */
export const maxFindings = 200;

export type Findings = {
  readonly add: (finding: Finding) => void;
  readonly all: () => readonly Finding[];
  readonly failed: () => boolean;
};

export function findingList(): Findings {
  const kept: { readonly [S in Severity]: Finding[] } = { error: [], warning: [], note: [] };
  const beyond: { [S in Severity]: { count: number; last: Finding } | null } = {
    error: null,
    warning: null,
    note: null,
  };
  const told = new Set<string>();
  return {
    add: (finding) => {
      const { severity } = finding;
      const text = JSON.stringify(finding);
      if (told.has(text)) return; // two ways led to one fault
      if (told.size < 3 * maxFindings) told.add(text);
      if (kept[severity].length < maxFindings) kept[severity].push(finding);
      else beyond[severity] = { count: (beyond[severity]?.count ?? 0) + 1, last: finding };
    },
    all: () => {
      const told = Object.values(beyond).flatMap((more) =>
        more === null
          ? []
          : [
              {
                ...more.last,
                line: null,
                key: null,
                message: `${more.count} more of these (${more.last.severity})`,
                remedy: 'mend the first ones and check again',
              },
            ],
      );
      return [...kept.error, ...kept.warning, ...kept.note, ...told].sort(byPlace);
    },
    failed: () => kept.error.length > 0,
  };
}

/** By file, then line; faults of a file as a whole come after its lines. */
function byPlace(a: Finding, b: Finding): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return (a.line ?? Number.MAX_SAFE_INTEGER) - (b.line ?? Number.MAX_SAFE_INTEGER);
}

export type RenderOptions = { readonly color: boolean };

/** One a line: 'file:line: severity: key: message; remedy'. Ends with a newline unless empty. */
export function renderFindings(findings: readonly Finding[], { color }: RenderOptions): string {
  const paint = pc.createColors(color);
  const severities: { readonly [S in Severity]: string } = {
    error: paint.red('error'),
    warning: paint.yellow('warning'),
    note: paint.cyan('note'),
  };
  return findings
    .map(({ severity, file, line, key, message, remedy }) => {
      const place = paint.bold(`${file}${line === null ? '' : `:${line}`}:`);
      return `${place} ${severities[severity]}: ${key === null ? '' : `${key}: `}${message}; ${remedy}\n`;
    })
    .join('');
}
