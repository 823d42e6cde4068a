/** An exporter whose datagrams this machine keeps from the socket: the doctor sees them on the wire, and names who drops them. */
import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { makeStage, type Stage, stageObstacle } from '../../bench/namespace.js';
import { type Program, start, until } from '../../bench/process.js';
import type { DoctorReport } from '../../domain/diagnosis.js';
import { type Daemon, type Home, makeHome, startDaemon, tidegate } from '../harness.js';

const obstacle = stageObstacle();
const collector = '198.51.100.2';
const neighbour = '198.51.100.1';
/** No route of the collector's leads back to it. */
const stranger = '192.0.2.77';
/** An sFlow v5 datagram without samples, its sequence number counted up. */
const exporter = (from: string): string =>
  `const s = require('node:dgram').createSocket('udp4'); let n = 0;
   s.bind(0, '${from}', () => setInterval(() => {
     if (n === 1) console.log('sending');
     const d = Buffer.alloc(28); d.writeUInt32BE(5, 0); d.writeUInt32BE(1, 4); d.set([10, 0, 0, 1], 8);
     d.writeUInt32BE(++n, 16); s.send(d, 6343, '${collector}'); }, 20));`;

describe.skipIf(obstacle !== null)(
  `the wire beside the sockets${obstacle === null ? '' : ` (${obstacle})`}`,
  () => {
    let stage: Stage;
    let home: Home | null = null;
    let daemon: Daemon | null = null;
    let sending: Program | null = null;
    const inListener = (...argv: readonly string[]): string => {
      const [program, ...args] = stage.inside(stage.listener, argv);
      return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    };
    const rpFilter = (mode: 0 | 1): void => {
      for (const name of ['all', stage.listenInterface])
        inListener('sysctl', '-qw', `net.ipv4.conf.${name}.rp_filter=${name === 'all' ? 0 : mode}`);
    };
    beforeAll(() => {
      stage = makeStage('tgdoc');
      inListener('ip', 'addr', 'add', `${collector}/24`, 'dev', stage.listenInterface);
      const sender = (...args: readonly string[]): unknown =>
        execFileSync('ip', ['-n', stage.sender, ...args]);
      for (const address of [`${neighbour}/24`, `${stranger}/32`])
        sender('addr', 'add', address, 'dev', stage.sendInterface);
      // rp_filter would leave a stranger's ARP request without an answer, too.
      const link = inListener('cat', `/sys/class/net/${stage.listenInterface}/address`).trim();
      sender('neigh', 'replace', collector, 'lladdr', link, 'dev', stage.sendInterface, 'nud', 'permanent');
    });
    afterEach(async () => {
      await sending?.stop();
      await daemon?.stop();
      home?.remove();
      sending = daemon = home = null;
    });
    afterAll(() => stage.remove());

    async function diagnosed(
      from: string,
    ): Promise<{ readonly code: number | null; readonly report: DoctorReport }> {
      home = makeHome(`networks: [203.0.113.0/24]\ncapture: { sflow: ["0.0.0.0:6343"] }\n`);
      daemon = await startDaemon(home, (argv) => stage.inside(stage.listener, argv));
      sending = start(stage.inside(stage.sender, [process.execPath, '-e', exporter(from)]));
      const exporting = sending;
      expect(await until(() => exporting.output().includes('sending'), 10_000)).toBe(true);
      const { code, out } = await tidegate(home, ['doctor', '--listen', '2s', '--json']);
      return { code, report: JSON.parse(out) as DoctorReport };
    }

    test('rp_filter is named where it drops', { timeout: 40_000 }, async () => {
      rpFilter(1);
      const { code, report } = await diagnosed(stranger);
      expect(code).toBe(1);
      expect(report.elsewhere).toMatchObject([{ code: 'not_received', exporter: stranger }]);
      expect(report.elsewhere[0]?.sentence).toContain(`rp_filter of ${stage.listenInterface} drops them`);
      expect(report.exporters).toEqual([]);
    });

    test('else a firewall', { timeout: 40_000 }, async (context) => {
      rpFilter(0);
      try {
        inListener('iptables', '-I', 'INPUT', '-p', 'udp', '--dport', '6343', '-j', 'DROP');
      } catch {
        context.skip('iptables is not installed');
      }
      try {
        const { code, report } = await diagnosed(neighbour);
        expect(code).toBe(1);
        expect(report.elsewhere).toMatchObject([{ code: 'not_received', exporter: neighbour }]);
        expect(report.elsewhere[0]?.sentence).toContain('most likely a firewall');
      } finally {
        inListener('iptables', '-F', 'INPUT');
      }
    });

    test('and what arrives at the socket is well', { timeout: 40_000 }, async () => {
      rpFilter(0);
      const { code, report } = await diagnosed(neighbour);
      expect([code, report.elsewhere, report.notes]).toEqual([0, [], []]);
      expect(report.exporters).toMatchObject([{ exporter: neighbour, diagnoses: [] }]);
    });
  },
);
