/** The control actor among rooms of which some are too busy to answer. */
import { expect, test } from 'vitest';
import { failure } from '../../domain/result.js';
import type { Ref } from '../../supervision/behaviour.js';
import { manualTime } from '../../supervision/manual-time.js';
import { createPlace } from '../../supervision/place.js';
import { startOn, supervisor } from '../../supervision/rehearsal.js';
import type { ExporterReport, SourceMessage } from '../capture/messages.js';
import type { LedgerMessage, LedgerReport } from '../mitigation/messages.js';
import type { NoticeMessage, NoticeReport } from '../notice/messages.js';
import { controlActor } from './actor.js';
import { healthyExporter, machine } from './diagnosis/rehearsal.js';
import type { ControlMessage, Status } from './messages.js';

/** Takes every question and answers none. */
const busy = <M>(id: string): Ref<M> => ({ id, send: () => true });
const nothingWanted: LedgerReport = {
  mitigations: 0,
  wanted: 0,
  announced: 0,
  held: 0,
  leaving: 0,
  heldBack: {},
  changesLastMinute: 0,
  stopped: null,
  dryRun: false,
  refused: 0,
  refusedBySpeakers: 0,
};
const ledger: Ref<LedgerMessage> = {
  id: 'ledger',
  send: (message) => {
    if (message.kind === 'report') message.reply(nothingWanted);
    return true;
  },
};
const exporter: ExporterReport = {
  ...healthyExporter,
  listener: 'netflow 0.0.0.0:2055',
  perSecond: { datagrams: 1, records: 3 },
};
/** Has a list of exporters, and no time for the rest. */
const half: Ref<SourceMessage> = {
  id: 'netflow',
  send: (message) => {
    if (message.kind === 'exporters') message.reply([exporter]);
    return true;
  },
};

const noticed: NoticeReport = {
  name: 'mail',
  state: 'waiting',
  queued: 3,
  delivered: 7,
  failed: 2,
  givenUp: 1,
  dropped: 0,
  repeated: 0,
  lastError: 'NOTICE_FAILED: 503',
};
const attentive: Ref<NoticeMessage> = {
  id: 'notice/mail',
  send: (message) => {
    if (message.kind === 'report') message.reply(noticed);
    return true;
  },
};

async function statusAmong(sources: readonly Ref<SourceMessage>[]): Promise<Status> {
  const place = createPlace<ControlMessage>('control');
  const time = manualTime();
  const spec = controlActor({
    evidence: () => ({
      desk: { seated: 0, waiting: 0, unseated: 0, queued: 0, explained: 0, refused: 0 },
      files: { waiting: 0, written: 0, failed: 0 },
    }),
    vitals: () => ({
      version: '0',
      pid: 1,
      startedAt: 0,
      memory: { rssBytes: 1, heapBytes: 1 },
      eventLoop: { p50Ms: 0, p99Ms: 0 },
      deadLetters: 0,
      tree: tree.snapshot(),
    }),
    sources: () => sources,
    hostgroups: () => new Map([['global', busy('global')]]),
    ledger,
    announcers: () => [busy('announcer-edge-1')],
    journal: busy('journal'),
    script: () => busy('script'),
    receivers: () => [busy('notice/hook'), attentive],
    reload: async () => failure('TIMEOUT', 'not asked for'),
    doctor: {
      settings: () => ({ listeners: [], windowMs: 1_000 }),
      machine: () => machine,
      witness: async () => failure('TIMEOUT', 'not asked for'),
      startedAt: () => 0,
      wait: async () => undefined,
    },
  });
  const tree = await startOn(time, supervisor('root', [place.child(spec)]));
  const status = await new Promise<Status>((resolve, reject) => {
    place.ref.send({
      kind: 'request',
      request: { kind: 'status' },
      reply: (result) => {
        if (result.ok && result.value.kind === 'status') resolve(result.value.status);
        else reject(new Error('no status'));
      },
    });
  });
  await tree.stop();
  return status;
}

test('a status names who did not answer in time, and has what the others said', async () => {
  const status = await statusAmong([busy('sflow'), half]);
  expect(status.unanswered).toEqual([
    'sflow',
    'netflow',
    'global',
    'announcer-edge-1',
    'script',
    'notice/hook',
  ]);
  expect(status.notices).toEqual([noticed]);
  expect(status.flow.exporters.map(({ address }) => address)).toEqual([exporter.address]);
  expect(status.flow.listeners).toEqual([]);
});
