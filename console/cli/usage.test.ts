/** What every command says of itself, and of what it is given wrongly. */
import { describe, expect, test } from 'vitest';
import { type } from './rehearsal.js';

const commands: readonly { readonly name: string; readonly options: readonly string[] }[] = [
  { name: 'run', options: ['--config', '--daemonize', '--pid-file', '--log-file', '--json'] },
  { name: 'check', options: ['--config', '--json', '[file]'] },
  { name: 'import', options: ['--json', '<file.conf>'] },
  {
    name: 'replay',
    options: ['--network', '--config', '--flows', '--sampling', '--explain', '--json', '<file>'],
  },
  { name: 'demo', options: ['--json'] },
  { name: 'status', options: ['--json', '--state-dir'] },
  {
    name: 'attacks',
    options: [
      '--json',
      '--state-dir',
      '--history',
      '--host',
      '--hostgroup',
      '--state',
      '--origin',
      '--active',
      '--ended',
      '--limit',
    ],
  },
  { name: 'ban', options: ['--json', '--state-dir', '--for', '--comment', '<ip>'] },
  { name: 'unban', options: ['--json', '--state-dir', '<ip>'] },
  { name: 'mitigation stop', options: ['--json', '--state-dir', '--comment'] },
  { name: 'mitigation start', options: ['--json', '--state-dir'] },
  { name: 'top', options: ['--json', '--state-dir', '--by', '--direction', '--count'] },
  { name: 'reload', options: ['--json', '--state-dir'] },
  { name: 'doctor', options: ['--listen', '--replay', '--network', '--config', '--json', '--state-dir'] },
  { name: 'traffic', options: ['--out', '--network', '--seed', '--scale', '--json', '[plan]'] },
  ...['packets', 'sflow', 'netflow5', 'netflow9', 'ipfix'].map((what) => ({
    name: `bench ${what}`,
    options: ['--hosts', '--flows', '--seconds', '--pcap', '--json'],
  })),
];

describe('help', () => {
  for (const { name, options } of commands) {
    test(`${name} --help names all it takes, on stdout`, async () => {
      const { code, out, err } = await type([...name.split(' '), '--help']);
      expect(code).toBe(0);
      expect(err).toBe('');
      for (const option of [...options, '--help']) expect(out).toContain(option);
      // and nothing that this table does not know
      const listed = [...out.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option]) => option);
      expect(listed.filter((option) => option !== '--help' && !options.includes(option ?? ''))).toEqual([]);
    });
  }

  test('the program lists every command, and this table knows them all', async () => {
    const { code, out } = await type(['--help']);
    expect(code).toBe(0);
    const listed = [...out.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name);
    const known = commands.map(({ name }) => name.split(' ')[0]);
    expect(listed).toEqual([...new Set(known), 'help']);
  });

  test('no arguments: the help, as an error', async () => {
    const { code, out, err } = await type([]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^Usage: tidegate/);
  });

  test('--version is the version and no more', async () => {
    expect(await type(['--version'])).toEqual({ code: 0, out: '1.2.3\n', err: '' });
  });
});

describe('what is given wrongly is said, with what would be right; exit code 2', () => {
  const rows: readonly { readonly line: string; readonly says: readonly (string | RegExp)[] }[] = [
    { line: 'nonsense', says: ["unknown command 'nonsense'", /commands: run, check, import/] },
    { line: 'chekc', says: ['Did you mean check?'] },
    { line: '--nonsense', says: ["unknown option '--nonsense'", '--help'] },
    { line: 'bench', says: ['Usage: tidegate bench', 'packets'] },
    { line: 'bench sausages', says: ["unknown command 'sausages'", 'commands: packets'] },
    ...commands.map(({ name }) => ({
      line: `${name} --nonsense`,
      says: ["unknown option '--nonsense'", '--help'],
    })),
    { line: 'check --confg x', says: ['Did you mean --config?'] },
    { line: 'run --config', says: ["option '--config <file>' argument missing"] },
    { line: 'run extra', says: [/too many arguments for 'run'. Expected 0/] },
    { line: 'check a.yaml --config b.yaml', says: ['a.yaml, or b.yaml', 'one file'] },
    { line: 'import', says: ["missing required argument 'file.conf'"] },
    { line: 'replay', says: ["missing required argument 'file'"] },
    { line: 'replay x.pcap --sampling 0', says: ['--sampling', 'a whole number from 1 to 10000000'] },
    { line: 'replay x.pcap', says: ['--network PREFIX', '--config FILE'] },
    { line: 'replay x.pcap --network 192.0.2.0', says: ["'192.0.2.0' has no length", '192.0.2.0/32'] },
    { line: 'replay x.pcap --network 192.0.2.7/24', says: ['--network 192.0.2.7/24', '192.0.2.0/24'] },
    { line: 'replay x.pcap --network ours', says: ["'ours' is not an IPv4 or IPv6"] },
    { line: 'ban', says: ["missing required argument 'ip'"] },
    { line: 'ban 192.0.2', says: ["'192.0.2' is not an IPv4 or IPv6 address", 'like 192.0.2.7'] },
    { line: 'ban 192.0.2.7/24', says: ['bits set beyond its length', 'write 192.0.2.0/24'] },
    { line: 'attacks --state gone', says: ["'gone' is invalid", 'held_back'] },
    { line: 'attacks --active --ended', says: ['cannot be used with'] },
    { line: 'mitigation pause', says: ["unknown command 'pause'", 'commands: stop, start'] },
    { line: 'unban www.example.net', says: ["'www.example.net' is not an IPv4 or IPv6 address"] },
    { line: 'unban 192.0.2.7/24', says: ['192.0.2.0/24'] },
    { line: 'ban 192.0.2.7 --for 5', says: ["'5' is invalid", "'90s', '30m', '2h'"] },
    { line: 'ban 192.0.2.7 --for -5s', says: ["'-5s' is invalid", "'90s', '30m', '2h'"] },
    { line: 'ban 192.0.2.7 --for 0s', says: ['more than nothing'] },
    { line: 'ban 192.0.2.7 --for 9999d', says: ["at most '3650d'", 'until unban'] },
    { line: `ban 192.0.2.7 --comment ${'x'.repeat(1_025)}`, says: ['at most 1024 characters'] },
    { line: 'top --by size', says: ["'size' is invalid", 'packets, bytes, flows'] },
    { line: 'top --direction up', says: ["'up' is invalid", 'incoming, outgoing'] },
    { line: 'top --count 0', says: ["'0' is invalid", 'a whole number from 1 to 10000'] },
    { line: 'top --count 2.5', says: ['a whole number from 1 to 10000'] },
    { line: 'attacks --history many', says: ["'many' is invalid", 'a whole number from 1 to 10000'] },
    { line: 'status now', says: [/too many arguments for 'status'. Expected 0/] },
    { line: 'traffic benign', says: ['--out FILE'] },
    { line: 'traffic nope --out /tmp/x', says: ["no plan 'nope'", 'benign', 'syn-flood'] },
    { line: 'traffic benign --out /tmp/x --network 192.0.2', says: ["'192.0.2' is not an IPv4 or IPv6"] },
    { line: 'traffic benign --seed 1.5', says: ['a whole number, 0 or more'] },
    { line: 'traffic benign --scale 0', says: ['a number above 0'] },
    { line: 'traffic benign --scale Infinity', says: ['a number above 0'] },
    { line: 'bench packets --hosts 3', says: ['a whole number from 256 to 4194304'] },
    { line: 'bench packets --hosts 1000.5', says: ['a whole number from 256 to 4194304'] },
    { line: 'bench packets --seconds soon', says: ['a number from 0.1 to 600'] },
    { line: 'bench packets --flows maybe', says: ["'maybe' is invalid", 'on, off'] },
  ];
  for (const { line, says } of rows) {
    test(line.slice(0, 60), async () => {
      const { code, out, err } = await type(line.split(' '));
      expect([code, out]).toEqual([2, '']);
      for (const text of says) expect(err).toMatch(text);
      expect(err).not.toContain('    at '); // no stack: it is no bug of ours
    });
  }
});
