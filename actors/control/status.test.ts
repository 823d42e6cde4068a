import assert from 'node:assert/strict';
import { test } from 'vitest';
import { unheardListener } from '../../domain/flow.js';
import type { SourceStats, TrafficTotals } from '../../domain/ports.js';
import type { TreeNode } from '../../supervision/spec.js';
import { statusOf, type Vitals } from './status.js';

const none = { packets: 0, bytes: 0 };
const nothingCounted: TrafficTotals = { incoming: none, outgoing: none, internal: none, other: none };
const emptyStats: SourceStats = {
  packets: 0,
  bytes: 0,
  dropped: 0,
  unparsed: 0,
  errors: {},
  totals: nothingCounted,
  hosts: 0,
  hostOverflow: 0,
  flowOverflow: 0,
};
const tree: TreeNode = {
  id: 'root',
  kind: 'supervisor',
  state: 'running',
  generation: 1,
  restarts: 0,
  queue: 0,
  queueBound: 0,
  dropped: 0,
  handled: 0,
  lastCrash: null,
  children: [],
};
const vitals: Vitals = {
  version: '0.1.0',
  pid: 7,
  startedAt: 1_000_000,
  memory: { rssBytes: 1, heapBytes: 1 },
  eventLoop: { p50Ms: 0, p99Ms: 1 },
  deadLetters: 0,
  tree,
};
const source = {
  state: 'up' as const,
  fault: null,
  rates: { ...nothingCounted, incoming: { packets: 10, bytes: 100 }, other: { packets: 1, bytes: 1 } },
  opened: 1,
  undelivered: 0,
};
const listener = {
  ...unheardListener,
  address: '[::1]:6343',
  family: 'sflow' as const,
  transport: 'udp' as const,
  datagrams: 8,
  records: 80,
  dropped: 3,
};
const reports = {
  sources: [
    {
      ...source,
      name: 'eth0',
      kind: 'interface' as const,
      stats: { ...emptyStats, packets: 5, dropped: 2 },
      listener: null,
    },
    {
      ...source,
      name: 'sflow [::1]:6343',
      kind: 'listener' as const,
      stats: { ...emptyStats, dropped: 3, errors: { truncated: 4 } },
      listener,
    },
  ],
  exporters: [],
  unanswered: [],
  doctor: { at: 0, periodSeconds: 0, exporters: [], elsewhere: [], notes: [] },
  hostgroups: [],
  ledger: {
    mitigations: 2,
    wanted: 2,
    announced: 1,
    held: 1,
    leaving: 0,
    heldBack: { whitelisted: 1 },
    changesLastMinute: 3,
    stopped: null,
    dryRun: false,
    refused: 0,
    refusedBySpeakers: 0,
  },
  speakers: [],
  evidence: {
    desk: { seated: 0, waiting: 0, unseated: 0, queued: 0, explained: 0, refused: 0 },
    files: { waiting: 0, written: 0, failed: 0 },
  },
  script: null,
  notices: [],
};
const status = statusOf(vitals, reports, 61_000_000);

test('an interface shows what it captured, lost and how fast it goes in all directions', () => {
  const [eth0] = status.capture.interfaces;
  assert.deepEqual(
    { packets: eth0?.packets, dropped: eth0?.dropped, pps: eth0?.pps, bps: eth0?.bps },
    { packets: 5, dropped: 2, pps: 11, bps: 808 },
  );
  assert.equal(status.capture.interfaces.length, 1);
});

test('a listener shows datagrams and records, and its errors by name', () => {
  assert.deepEqual(status.flow.listeners, [
    { ...listener, state: 'up', fault: null, errors: { truncated: 4 } },
  ]);
});

test('attacks are what the ledger says', () => assert.equal(status.attacks, 2));

test('uptime is since the start, in seconds', () => {
  assert.equal(status.uptimeSeconds, 60);
  assert.equal(status.startedAt, '1970-01-01T00:00:01.000000Z');
});
