import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'vitest';
import { failureCodes } from './result.js';

const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
const sections = page
  .split(/^### /m)
  .slice(1)
  .map((section) => {
    const [code = '', ...lines] = section.split('\n');
    return { code: code.trim(), text: lines.join('\n') };
  });

test('docs/errors.md explains every failure code', () => {
  const explained = new Set(sections.map(({ code }) => code));
  assert.deepEqual(
    failureCodes.filter((code) => !explained.has(code)),
    [],
  );
});

test('docs/errors.md explains no code that does not exist, and none twice', () => {
  const known: ReadonlySet<string> = new Set(failureCodes);
  const codes = sections.map(({ code }) => code);
  assert.deepEqual(
    codes.filter((code) => !known.has(code)),
    [],
  );
  assert.equal(new Set(codes).size, codes.length);
});

for (const { code, text } of sections) {
  test(`${code} has a cause and says what to do`, () => {
    const [cause = '', remedy = ''] = text.split('**Do:**');
    assert.ok(cause.trim().length > 20 && remedy.trim().length > 10);
  });
}
