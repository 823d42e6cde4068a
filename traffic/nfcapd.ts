/**
 * nfcapd and sfcapd, with nfdump, as a third reading of flow datagrams, for tests and comparisons. They receive over
 * loopback UDP and multiply by the sampling that exporters state. Absent: `hasNfcapd`, `hasSfcapd` are false, and tests skip by name.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './loopback.js';

const installed = (name: string): boolean => spawnSync(name, ['-V'], { stdio: 'ignore' }).error === undefined;
export const hasNfcapd: boolean = installed('nfcapd') && installed('nfdump');
export const hasSfcapd: boolean = installed('sfcapd') && installed('nfdump');

export type NfcapdTotals = { readonly flows: number; readonly packets: number; readonly bytes: number };

const startMs = 10_000;
const settleMs = 300;
const bufferBytes = 4_000_000;
/** Sent without a pause; far below what the buffer holds. */
const burst = 16;

/** What the collector keeps of these datagrams, all from one address. Throws when it does not start or reads nothing. */
export async function nfcapdReads(
  program: 'nfcapd' | 'sfcapd',
  datagrams: Iterable<Uint8Array>,
): Promise<NfcapdTotals> {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-nfcapd-'));
  const port = await freePort();
  const argv = ['-b', '127.0.0.1', '-p', String(port), '-w', folder, '-t', '3600', '-B', String(bufferBytes)];
  const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const keep = (chunk: Buffer): void => {
    said += chunk.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const socket = createSocket('udp4');
  try {
    const limit = performance.now() + startMs;
    while (!/Startup|Bound to/i.test(said)) {
      if (performance.now() > limit || child.exitCode !== null) throw new Error(`${program}: ${said}`);
      await sleep(20);
    }
    let sent = 0;
    for (const datagram of datagrams) {
      await new Promise<void>((resolve, reject) =>
        socket.send(datagram, port, '127.0.0.1', (error) => (error ? reject(error) : resolve())),
      );
      if (++sent % burst === 0) await sleep(1);
    }
    await sleep(settleMs);
    child.kill('SIGINT');
    await ended;
    const text = execFileSync('nfdump', ['-N', '-R', folder, '-o', 'fmt:%pkt'], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const found = /total flows: (\d+), total bytes: (\d+), total packets: (\d+)/.exec(text);
    if (found === null) return { flows: 0, packets: 0, bytes: 0 };
    const [flows = 0, bytes = 0, packets = 0] = found.slice(1).map(Number);
    return { flows, packets, bytes };
  } finally {
    socket.close();
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}
