/** `check` and `import` on files of the disk. The tables of bad files are tried in bad-configuration.test.ts beside this. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfiguration } from '../../composition/configure.js';
import { type } from './rehearsal.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidegate-check-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
const good = 'networks: [192.0.2.0/24]\ncapture: {interfaces: [eth0]}\n';

describe('check', () => {
  test('a good YAML file is usable, without a word on stderr', async () => {
    const path = file('good.yaml', good);
    expect(await type(['check', '--config', path])).toEqual({
      code: 0,
      out: `${path}: usable (0 errors, 0 warnings, 0 notes)\n`,
      err: '',
    });
    expect((await type(['check', path])).code).toBe(0);
  });

  test('with --json it is a document', async () => {
    const { code, out } = await type(['check', file('good.yaml', good), '--json']);
    expect([code, JSON.parse(out)]).toEqual([0, { ok: true, findings: [] }]);
  });

  test('a good .conf is usable', async () => {
    const lines = [
      `networks_list_path = ${file('list', '192.0.2.0/24\n')}`,
      `white_list_path = ${file('none', '')}`,
      'mirror_afpacket = on\ninterfaces = eth0\nnotify_script_path = /bin/true',
      'enable_ban = on\nban_for_pps = on\nthreshold_pps = 20000\n',
    ];
    const path = file('good.conf', lines.join('\n'));
    const { code, err } = await type(['check', path]);
    expect([code, err]).toEqual([0, '']);
  });

  test('warnings do not make it unusable, and are counted', async () => {
    const { code, out, err } = await type(['check', file('warned.yaml', `${good}bgp: {uplink: 10Gbit}\n`)]);
    expect(code).toBe(0);
    expect(out).toContain('usable (0 errors, 1 warning, 0 notes)');
    expect(err).toContain('warned.yaml:3: warning: bgp.uplink: ');
  });

  test('every fault at once: file, line, key, what is wrong and what would be right', async () => {
    const path = file('bad.yaml', 'networks: [nowhere]\nwindow: 5\nban: {enabled: maybe}\nwhitlist: []\n');
    const { code, out, err } = await type(['check', path]);
    expect(code).toBe(2);
    expect(out).toContain('not usable (5 errors');
    const lines = err.trimEnd().split('\n');
    for (const [at, text] of [
      ['1: error: networks[0]', 'nowhere'],
      ['2: error: window', '5s'],
      ['3: error: ban.enabled', 'true or false'],
      ['4: error: whitlist', "did you mean 'whitelist'?"],
    ] as const) {
      expect(lines.find((line) => line.startsWith(`${path}:${at}: `))).toContain(text);
    }
    for (const line of lines) expect(line).toMatch(/: .+; .+/);
  });

  for (const [what, path, why] of [
    ['is not there', '/nowhere/tidegate.yaml', /no such file; .*--config/],
    ['is a directory', '/', /it is a directory/],
  ] as const) {
    test(`a file that ${what} is said so`, async () => {
      const { code, err } = await type(['check', path]);
      expect(code).toBe(2);
      expect(err).toMatch(why);
    });
  }
});

const stock = '/etc/fastnetmon.conf';
describe('import', () => {
  test.skipIf(!existsSync(stock))(
    `${stock}: the YAML is accepted by check and comes to the same settings`,
    async () => {
      // as installed it captures nothing, which check refuses in either form
      const text = readFileSync(stock, 'utf8').replace(/^interfaces *=.*$/m, '');
      const list = file('list', '192.0.2.0/24\n');
      const path = file(
        'fastnetmon.conf',
        `${text}\nmirror_afpacket = on\ninterfaces = eth0\nnetworks_list_path = ${list}\nnotify_script_path = /bin/true\n`,
      );
      const imported = await type(['import', path]);
      expect(imported.code, imported.err).toBe(0);
      const yaml = file('imported.yaml', imported.out);
      const checked = await type(['check', yaml]);
      expect(checked.code, checked.err).toBe(0);
      const [before, after] = [path, yaml].map((one) => readConfiguration(one, {}));
      if (before?.ok !== true || after?.ok !== true) throw new Error('not loaded');
      expect(after.settings).toEqual(before.settings);
    },
  );

  test('as installed, the file is imported too, and what it does not carry over is in it', async (context) => {
    if (!existsSync(stock)) return context.skip();
    const { code, out, err } = await type(['import', stock]);
    expect(code).toBe(0);
    expect(out).toContain(`# Not carried over from ${stock}:`);
    expect(err).toContain(`${stock}:`);
  });

  test('with --json: the YAML and the findings', async () => {
    const path = file('some.conf', 'redis_enabled = on\nban_time = 60\n');
    const { code, out, err } = await type(['import', path, '--json']);
    expect([code, err]).toEqual([0, '']);
    const { yaml, findings } = JSON.parse(out) as { yaml: string; findings: readonly { key: string }[] };
    expect(yaml).toContain('time: 1m  # ban_time');
    expect(findings.map(({ key }) => key)).toContain('redis_enabled');
  });

  test('a file with faults gives no YAML and exit code 2', async () => {
    const { code, out, err } = await type(['import', file('bad.conf', 'ban_time = soon\n')]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain("bad.conf:1: error: ban_time: 'soon' is not a whole number; ");
  });

  test('a file that is not there is said so', async () => {
    const { code, err } = await type(['import', '/nowhere/fastnetmon.conf']);
    expect(code).toBe(2);
    expect(err).toContain('no such file; give the path of a fastnetmon.conf');
  });
});
