/** `replay`, `traffic` and `bench`, with small captures of their own making. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type } from './rehearsal.js';

const networks = ['--network', '203.0.113.0/24', '--network', '2001:db8::/32'];
let folder = '';
let flood = '';
let packets = 0;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tidegate-replay-'));
  flood = join(folder, 'flood.pcap');
  const { code, out } = await type([
    'traffic',
    'udp-flood',
    '--out',
    flood,
    '--scale',
    '0.5',
    '--json',
    ...networks,
  ]);
  if (code !== 0) throw new Error('no capture');
  packets = (JSON.parse(out) as { packets: number }).packets;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Event = { readonly event: string; readonly packets?: number; readonly attacks?: number };
const events = (out: string): readonly Event[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);

describe('replay', () => {
  test('with --json stdout is JSON lines alone: attacks in order, the summary last', async () => {
    const { code, out, err } = await type(['replay', flood, ...networks, '--json']);
    expect([code, err]).toEqual([0, '']);
    const all = events(out);
    expect(all.map(({ event }) => event)).toContain('attack_started');
    expect(all.at(-1)).toMatchObject({ event: 'summary', packets });
    expect(all.at(-1)?.attacks).toBe(all.filter(({ event }) => event === 'attack_started').length);
  });

  test('the same file gives the same output, byte for byte', async () => {
    const line = ['replay', flood, ...networks, '--json'];
    expect((await type(line)).out).toBe((await type(line)).out);
  });

  test('for people: a line an attack and a last line that counts; no colour in a pipe', async () => {
    const { code, out, err } = await type(['replay', flood, ...networks]);
    expect(code).toBe(0);
    expect(out).toMatch(/^\S+Z {2}attack {2}203\.0\.113\.\d+ {2}\w+/m);
    expect(out).toMatch(new RegExp(`^${packets} packets, \\d+ bytes, \\d+ hosts of ours, 0 unparsed`, 'm'));
    expect(out + err).not.toContain('\x1b');
  });

  test('FORCE_COLOR gives colour to a pipe, for who asks for it', async () => {
    expect((await type(['replay', flood, ...networks], { FORCE_COLOR: '1' })).out).toContain('\x1b[31m');
  });

  test('--explain adds the rules of each attack after all events, and nothing else', async () => {
    const plain = (await type(['replay', flood, ...networks, '--json'])).out.trimEnd().split('\n');
    const { code, out } = await type(['replay', flood, ...networks, '--explain', '--json']);
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    const explained = lines.filter((line) => line.startsWith('{"event":"attack_explained"'));
    expect(lines.filter((line) => !explained.includes(line))).toEqual(plain);
    expect(lines.at(-1)).toBe(plain.at(-1));
    const [one] = explained.map(
      (line) =>
        JSON.parse(line) as {
          readonly host: string;
          readonly rules: readonly { readonly text: string; readonly action: string }[];
          readonly budgets: { readonly [budget: string]: { readonly coverage: number } };
        },
    );
    expect(explained).toHaveLength(1);
    expect(one?.rules[0]).toMatchObject({ action: 'discard' });
    expect(one?.rules[0]?.text).toContain(`destination ${one?.host}/32 protocol 17`);
    expect(Object.keys(one?.budgets ?? {})).toEqual(['1', '5', '10']);
    for (const { coverage } of Object.values(one?.budgets ?? {})) expect(coverage).toBeGreaterThan(0.9);
  });

  test('--explain for people: what is covered and hit, each rule, each budget', async () => {
    const { code, out } = await type(['replay', flood, ...networks, '--explain']);
    expect(code).toBe(0);
    expect(out).toMatch(/ {2}rules {3}203\.0\.113\.\d+ {2}covers \d+\.\d % of \d+ packets, hits /);
    expect(out).toMatch(/^ {4}destination 203\.0\.113\.\d+\/32 protocol 17.* → discard {2}\(covers /m);
    for (const budget of [' 1', ' 5', '10']) expect(out).toContain(`\n    budget ${budget}: 1 rule covers `);
  });

  test('a capture cut off in a record: what came before is counted', async () => {
    const cut = join(folder, 'cut.pcap');
    copyFileSync(flood, cut);
    truncateSync(cut, Math.floor(statSync(flood).size / 2));
    const { code, out } = await type(['replay', cut, ...networks, '--json']);
    expect(code).toBe(0);
    const summary = events(out).at(-1);
    expect(summary?.event).toBe('summary');
    expect(summary?.packets).toBeGreaterThan(packets / 4);
    expect(summary?.packets).toBeLessThan(packets);
  });

  for (const [what, path, why] of [
    ['is not there', () => '/nowhere/x.pcap', 'No such file'],
    ['is a directory', () => folder, 'Is a directory'],
    ['is empty', () => join(folder, 'empty'), 'not a pcap or pcapng file'],
    ['is something else', () => join(folder, 'text'), 'not a pcap or pcapng file'],
    ['is cut off in its first bytes', () => join(folder, 'stub'), 'stub'],
  ] as const) {
    test(`a file that ${what}: exit code 1, CAPTURE_UNREADABLE and its path`, async () => {
      writeFileSync(join(folder, 'empty'), '');
      writeFileSync(join(folder, 'text'), 'not a capture, but longer than the header of one would be');
      writeFileSync(join(folder, 'stub'), readFileSync(flood).subarray(0, 12));
      const { code, out, err } = await type(['replay', path(), ...networks, '--json']);
      expect(code).toBe(1);
      expect(err).toMatch(/^error: CAPTURE_UNREADABLE: /);
      expect(err).toContain(path());
      expect(err).toContain(why);
      expect(JSON.parse(out)).toMatchObject({ error: { code: 'CAPTURE_UNREADABLE' } });
    });
  }

  test('a configuration with faults: exit code 2, and the fault', async () => {
    const config = join(folder, 'bad.yaml');
    writeFileSync(config, 'networks: [203.0.113.0/24]\nwindow: soon\n');
    const { code, out, err } = await type(['replay', flood, '--config', config]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(`${config}:2: error: window`);
  });
});

describe('traffic', () => {
  test('without a plan it lists them, each with what it is', async () => {
    const { code, out } = await type(['traffic']);
    expect(code).toBe(0);
    expect(out).toMatch(/^syn-flood {2,}spoofed SYNs/m);
    const json = JSON.parse((await type(['traffic', '--json'])).out) as readonly { name: string }[];
    for (const { name } of json) expect(out).toContain(`\n${name} `);
  });

  test('it writes a capture and its manifest; the same seed gives the same bytes', async () => {
    const [one = '', two = ''] = ['one', 'two'].map((name) => join(folder, name));
    for (const path of [one, two]) {
      const { code, out, err } = await type(['traffic', 'benign', '--out', path, '--scale', '0.02']);
      expect([code, err]).toEqual([0, '']);
      expect(out).toContain(`${path}.json says what is in it`);
      expect(existsSync(`${path}.json`)).toBe(true);
    }
    expect(readFileSync(one).equals(readFileSync(two))).toBe(true);
  });

  test('a place that cannot be written: exit code 1, CAPTURE_UNWRITABLE and the path', async () => {
    const { code, err } = await type(['traffic', 'benign', '--out', '/nowhere/x', '--scale', '0.02']);
    expect(code).toBe(1);
    expect(err).toMatch(/CAPTURE_UNWRITABLE: .*\/nowhere\/x/);
  });
});

describe('bench', () => {
  const short = ['bench', 'packets', '--seconds', '0.2', '--hosts', '4096'];
  test('packets --json has the keys that are promised', async () => {
    const { code, out, err } = await type([...short, '--json']);
    expect([code, err]).toEqual([0, '']);
    const result = JSON.parse(out) as { mpps: number; ns_per_packet: number };
    expect(result).toMatchObject({ name: 'packets', hosts: 4096, flows: false });
    expect(result.mpps).toBeGreaterThan(0);
    expect(result.ns_per_packet).toBeCloseTo(1000 / result.mpps, 0);
  });

  test('packets for people', async () => {
    const { code, out } = await type([...short, '--flows', 'on']);
    expect(code).toBe(0);
    expect(out).toMatch(/flow counting on\n {2}\d+\.\d Mpps on one core/);
  });

  test('a capture that is not there: exit code 1 and CAPTURE_UNREADABLE', async () => {
    const { code, err } = await type([...short, '--pcap', '/nowhere/x.pcap']);
    expect(code).toBe(1);
    expect(err).toMatch(/^error: CAPTURE_UNREADABLE: .*\/nowhere\/x\.pcap/);
  });
});
