/**
 * Every bad configuration of config/tables, as the operator meets it: a file on the disk, `tidegate check`, its exit
 * code and its line on stderr; and with --json the same findings as a document.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BadConfiguration, badConfigurations } from '../../composition/bad-configurations.js';
import type { Finding } from '../../composition/configure.js';
import { type } from './rehearsal.js';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tidegate-check-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The row on the disk: what it names by an absolute path lies below a folder of its own. */
function lay(row: BadConfiguration, serial: number): { readonly folder: string; readonly path: string } {
  const folder = join(root, String(serial));
  const path = join(folder, row.conf ? 'fastnetmon.conf' : 'tidegate.yaml');
  const beside = Object.entries(row.beside ?? {});
  const moved = (text: string): string =>
    beside.reduce((all, [name]) => all.replaceAll(name, join(folder, name)), text);
  // where the row does not say, no list of this machine
  const lists =
    row.conf && row.text.endsWith('\n')
      ? ['networks_list_path', 'white_list_path'].filter((name) => !row.text.includes(name))
      : [];
  const list = join(folder, 'list');
  mkdirSync(folder, { recursive: true });
  writeFileSync(list, '192.0.2.0/24\n');
  writeFileSync(path, moved(row.text) + lists.map((name) => `${name} = ${list}\n`).join(''));
  for (const [name, text] of beside) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return { folder, path };
}

/** The rows name files as they lie on a machine: by absolute paths, or relative to /etc/tidegate. */
const says = (text: string, what: RegExp, folder: string): boolean =>
  what.test(text.replaceAll(folder, '')) || what.test(text.replaceAll(folder, '/etc/tidegate'));

for (const [serial, row] of badConfigurations.entries()) {
  const { severity = 'error', line, key } = row;
  test(`${row.claim}: ${severity}, at its line, with its remedy`, async () => {
    const { folder, path } = lay(row, serial);
    const { code, out, err } = await type(['check', '--config', path], { ...row.env });
    if (severity === 'error') expect(code, err).toBe(2);
    const file = row.file === undefined ? path : row.file.startsWith('/') ? join(folder, row.file) : row.file;
    const place = `${file}${line === null ? '' : `:${line}`}: ${severity}: ${key === null ? '' : `${key}: `}`;
    const told = err
      .split('\n')
      .filter((one) => one.startsWith(place))
      .map((one) => one.slice(place.length))
      .filter((rest) => says(rest, row.message, folder) && says(rest, row.remedy, folder));
    expect(told.length, `${place}\n${err}`).toBe(1);
    expect(out).toContain(code === 0 ? ': usable (' : ': not usable (');

    const json = await type(['check', '--config', path, '--json'], { ...row.env });
    expect([json.code, json.err]).toEqual([code, '']);
    const { ok, findings } = JSON.parse(json.out) as { ok: boolean; findings: readonly Finding[] };
    expect(ok).toBe(code === 0);
    const found = findings.filter(({ message }) => says(message, row.message, folder));
    expect(found.map((finding) => finding.key)).toContain(key);
  });
}

test('the number of rows is not small', () => expect(badConfigurations.length).toBeGreaterThan(100));
