import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { machineFacts } from './datagram-settings.js';

const proc = mkdtempSync(join(tmpdir(), 'tidegate-proc-'));
afterAll(() => rmSync(proc, { recursive: true }));
const write = (path: string, text: string): void => {
  mkdirSync(join(proc, path, '..'), { recursive: true });
  writeFileSync(join(proc, path), text);
};

test('where nothing can be read, nothing is known', () =>
  assert.deepEqual(machineFacts('/nowhere'), { rmemMaxBytes: null, rpFilter: {}, rpFilterDrops: null }));

test('the stricter of all and the interface holds; drops are found by name', () => {
  write('sys/net/core/rmem_max', '212992\n');
  write('sys/net/ipv4/conf/all/rp_filter', '1\n');
  write('sys/net/ipv4/conf/default/rp_filter', '2\n');
  write('sys/net/ipv4/conf/eth0/rp_filter', '0\n');
  write('sys/net/ipv4/conf/eth0.7/rp_filter', '2\n');
  write(
    'net/netstat',
    'TcpExt: SyncookiesSent IPReversePathFilter X\nTcpExt: 1 23 4\nIpExt: InMcastPkts\nIpExt: 5\n',
  );
  assert.deepEqual(machineFacts(proc), {
    rmemMaxBytes: 212_992,
    rpFilter: { eth0: 1, 'eth0.7': 2 },
    rpFilterDrops: 23,
  });
});

test('this machine, which is Linux, can be read', () => {
  const { rmemMaxBytes, rpFilter } = machineFacts();
  assert.ok((rmemMaxBytes ?? 0) > 0 || rmemMaxBytes === null);
  assert.ok(Object.values(rpFilter).every((value) => value >= 0 && value <= 2));
});
