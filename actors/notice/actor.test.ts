/** The actor on the real kernel, with a receiver and a time that are moved by hand. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import { type Delivery, type Notice, noticeFailed } from '../../domain/notice.js';
import { someNotice } from '../../domain/notice-rehearsal.js';
import { manualTime } from '../../supervision/manual-time.js';
import { createPlace } from '../../supervision/place.js';
import {
  idle,
  type LogLine,
  pass,
  rememberingLog,
  startOn,
  supervisor,
} from '../../supervision/rehearsal.js';
import { noticeActor } from './actor.js';
import type { NoticeMessage, NoticeReport } from './messages.js';

async function running(answer: (notice: Notice, signal: AbortSignal) => Promise<Delivery>) {
  const lines: LogLine[] = [];
  const asked: string[] = [];
  const time = manualTime();
  const place = createPlace<NoticeMessage>('hook');
  const spec = noticeActor({
    name: 'hook',
    send: (notice, signal) => {
      asked.push(notice.id);
      return answer(notice, signal);
    },
    random: () => 0.5,
  });
  const tree = await startOn(time, supervisor('notices', [place.child(spec)]), {
    log: rememberingLog(lines),
  });
  const report = async (): Promise<NoticeReport> => {
    let said: NoticeReport | null = null;
    place.ref.send({ kind: 'report', reply: (value) => (said = value) });
    await idle();
    return said ?? assert.fail('no report');
  };
  return { tree, time, asked, lines, report, send: place.ref.send };
}

test('a receiver that answers 500 thrice gets each notice in order once it is well', async () => {
  let failures = 3;
  const stage = await running(async () =>
    failures-- > 0 ? noticeFailed('hook: answers 500', true) : { kind: 'delivered' },
  );
  stage.send({ kind: 'notify', notices: [someNotice(1), someNotice(2)] });
  await pass(stage.time, 8000);
  const [first, second] = [someNotice(1).id, someNotice(2).id];
  assert.deepEqual(stage.asked, [first, first, first, first, second]);
  const { delivered, failed, givenUp, queued } = await stage.report();
  assert.deepEqual([delivered, failed, givenUp, queued], [2, 3, 0, 0]);
  assert.equal(stage.lines.filter(({ level }) => level === 'warn').length, 1);
  await stage.tree.stop();
});

test('a receiver that hangs delays no message: 1,000 notices are taken and the report answers', async () => {
  const stage = await running(() => new Promise(() => {}));
  for (let serial = 0; serial < 1500; serial += 1) {
    stage.send({ kind: 'notify', notices: [someNotice(serial)] });
    if (serial % 300 === 0) await idle();
  }
  await idle(30);
  const { state, queued, dropped, delivered } = await stage.report();
  assert.deepEqual([state, queued, dropped, delivered], ['sending', 1000, 500, 0]);
  assert.equal(stage.asked.length, 1);
  await stage.tree.stop();
});

test('a sender that throws is a failure, not a crash', async () => {
  let failures = 1;
  const stage = await running(async () => {
    if (failures-- > 0) throw new Error('a bug');
    return { kind: 'delivered' };
  });
  stage.send({ kind: 'notify', notices: [someNotice(1)] });
  await pass(stage.time, 3000);
  assert.deepEqual([(await stage.report()).delivered, stage.asked.length], [1, 2]);
  await stage.tree.stop();
});

test('a stop aborts what is under way', async () => {
  let aborted = false;
  const stage = await running(
    (_, signal) =>
      new Promise(() => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
      }),
  );
  stage.send({ kind: 'notify', notices: [someNotice(1)] });
  await idle();
  await stage.tree.stop();
  assert.equal(aborted, true);
});
