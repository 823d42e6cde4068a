/** The pipes without an ExaBGP: nobody reads, nobody reads on, the pipe is replaced. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'vitest';
import type { Result } from '../../domain/result.js';
import type { Speaker, SpeakerEvent } from '../../domain/speaker.js';
import { announce, route, rule } from './announcement-rehearsal.js';
import { exabgpSpeaker } from './exabgp.js';
import { until } from './exabgp-rehearsal.js';

const folder = mkdtempSync(join(tmpdir(), 'tidegate-exapipes-'));
const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

let serial = 0;
function pipe(): string {
  const path = join(folder, `pipe-${serial++}`);
  execFileSync('mkfifo', [path]);
  return path;
}
function speak(commandPipe: string): { readonly speaker: Speaker; readonly events: SpeakerEvent[] } {
  const events: SpeakerEvent[] = [];
  const speaker = exabgpSpeaker({ pipe: commandPipe, answers: null, mark: null })((event) =>
    events.push(event),
  );
  open.push(speaker.close);
  return { speaker, events };
}
/** Reads what is there now. */
function reader(path: string): { readonly read: () => string; readonly close: () => void } {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  let closed = false;
  const close = (): void => {
    if (!closed) closeSync(fd);
    closed = true;
  };
  open.push(close);
  const buffer = Buffer.alloc(65_536);
  return {
    close,
    read() {
      let text = '';
      try {
        for (let length = readSync(fd, buffer); length > 0; length = readSync(fd, buffer)) {
          text += buffer.toString('latin1', 0, length);
        }
      } catch {
        // nothing more now
      }
      return text;
    },
  };
}
const within = (ms: number): AbortSignal => AbortSignal.timeout(ms);
const codes = (results: readonly Result<void>[]): readonly string[] => [
  ...new Set(results.map((one) => (one.ok ? 'ok' : one.error.code))),
];
const host = route('192.0.2.7/32', '10.0.3.114', { standard: [[65001, 668]] });
const subnet = route('192.0.2.0/24', '10.0.3.114', { standard: [[65001, 667]] });
const many = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    announce(route(`10.0.${index >> 8}.${index & 255}/32`, '10.0.3.114', { standard: [[65001, 668]] })),
  );

test('four pipes that nobody reads, or reads on, hold up neither files nor the event loop', async () => {
  const unread = [pipe(), pipe()].map((path) => speak(path));
  const stalledPaths = [pipe(), pipe()];
  for (const path of stalledPaths) reader(path);
  const stalled = stalledPaths.map((path) => speak(path));
  let pending = 4;
  const outcomes = [...unread, ...stalled].map(({ speaker }) =>
    speaker.change(many(3000), within(8000)).finally(() => {
      pending -= 1;
    }),
  );
  // A thread pool of four would be taken up by four opens or writes that wait, and read nothing more.
  for (let reads = 0; reads < 50; reads += 1) {
    assert.ok((await readFile('/proc/self/status', 'utf8')).length > 0);
  }
  assert.equal(pending, 2, 'the changes to the pipes that are full are still waiting');
  const [first, second, third, fourth] = await Promise.all(outcomes);
  assert.deepEqual(
    [codes(first ?? []), codes(second ?? [])],
    [['SPEAKER_UNREACHABLE'], ['SPEAKER_UNREACHABLE']],
  );
  for (const results of [third, fourth]) {
    const written = (results ?? []).filter(({ ok }) => ok).length;
    assert.ok(written > 0 && written < 3000, `${written} of 3000 in a pipe of 64 KiB`);
    assert.deepEqual(codes(results ?? []), ['ok', 'TIMEOUT']);
  }
});

test('without an answer pipe the text is FastNetMon’s, and nothing can be listed', async () => {
  const path = pipe();
  const reading = reader(path);
  const { speaker, events } = speak(path);
  assert.deepEqual(events, [{ kind: 'up', version: null }]);
  const results = await speaker.change(
    [
      announce(subnet),
      announce(host),
      { do: 'withdraw', announcement: subnet },
      { do: 'withdraw', announcement: host },
    ],
    within(5000),
  );
  assert.deepEqual(codes(results), ['ok']);
  assert.equal(
    reading.read(),
    'announce route 192.0.2.0/24 next-hop 10.0.3.114 community 65001:667\n' +
      'announce route 192.0.2.7/32 next-hop 10.0.3.114 community 65001:668\n' +
      'withdraw route 192.0.2.0/24 next-hop 10.0.3.114\n' +
      'withdraw route 192.0.2.7/32 next-hop 10.0.3.114\n',
  );
  assert.deepEqual(await speaker.list(new Set(), within(5000)), { ok: true, value: null });
});

test('a pipe that is full and read again gets every line whole and in order', async () => {
  const path = pipe();
  const reading = reader(path);
  const { speaker } = speak(path);
  const changes = many(5000);
  const outcome = speaker.change(changes, within(10_000));
  let text = '';
  assert.ok(
    await until(() => {
      text += reading.read();
      return text.split('\n').length > 5000;
    }),
  );
  assert.deepEqual(codes(await outcome), ['ok']);
  const lines = text.trimEnd().split('\n');
  assert.deepEqual(
    lines,
    changes.map(({ announcement }) =>
      announcement.kind === 'unicast'
        ? `announce route ${announcement.prefix} next-hop 10.0.3.114 community 65001:668`
        : '',
    ),
  );
});

test('garbage among good changes is refused alone', async () => {
  const path = pipe();
  const reading = reader(path);
  const { speaker } = speak(path);
  const results = await speaker.change(
    [
      announce(host),
      announce(route('192.0.2.8/32\nshutdown', '10.0.3.1')),
      announce(rule({ destination: null })),
      announce(subnet),
    ],
    within(5000),
  );
  assert.deepEqual(
    results.map((one) => (one.ok ? 'ok' : one.error.code)),
    ['ok', 'SPEAKER_REFUSED', 'SPEAKER_REFUSED', 'ok'],
  );
  assert.equal(reading.read().split('\n').length, 3);
});

test('a reader that goes is down, one that comes is up; what it left unread is not told to the next', async () => {
  const path = pipe();
  const first = reader(path);
  const { speaker, events } = speak(path);
  await speaker.change([announce(host)], within(5000));
  first.close();
  assert.ok(await until(() => events.at(-1)?.kind === 'down', 10_000));
  const refused = await speaker.change([announce(host)], within(5000));
  assert.deepEqual(codes(refused), ['SPEAKER_UNREACHABLE']);
  const second = reader(path);
  assert.ok(await until(() => events.at(-1)?.kind === 'up', 10_000));
  assert.equal(second.read(), '');
  await speaker.change([announce(subnet)], within(5000));
  assert.match(second.read(), /^announce route 192\.0\.2\.0\/24 /);
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['up', 'down', 'up'],
  );
});

test('a reader that opens the pipe for each line loses none and is no restart', async () => {
  const path = pipe();
  let current = reader(path);
  const { speaker, events } = speak(path);
  for (let round = 0; round < 5; round += 1) {
    current.close();
    setTimeout(() => {
      current = reader(path);
    }, 60);
    assert.deepEqual(codes(await speaker.change([announce(host)], within(5000))), ['ok'], `round ${round}`);
    assert.match(current.read(), /^announce route 192\.0\.2\.7/);
  }
  assert.equal(events.length, 1);
});

test('a pipe that is replaced is left for the new one', async () => {
  const path = pipe();
  reader(path);
  const { speaker, events } = speak(path);
  rmSync(path);
  execFileSync('mkfifo', [path]);
  const fresh = reader(path);
  assert.ok(await until(() => events.length === 3, 10_000), JSON.stringify(events));
  assert.deepEqual(codes(await speaker.change([announce(host)], within(5000))), ['ok']);
  assert.match(fresh.read(), /^announce route 192\.0\.2\.7/);
});

test('a file in the place of the pipe is never written to', async () => {
  const path = join(folder, 'plain');
  writeFileSync(path, 'kept');
  const { speaker, events } = speak(path);
  const [result] = await speaker.change([announce(host)], within(5000));
  assert.ok(result?.ok === false && result.error.detail.includes('no named pipe'), JSON.stringify(result));
  assert.equal(await readFile(path, 'utf8'), 'kept');
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['down'],
  );
});

test('closed: nothing is told, nothing is withdrawn', async () => {
  const path = pipe();
  const reading = reader(path);
  const { speaker, events } = speak(path);
  speaker.close();
  assert.deepEqual(codes(await speaker.change([announce(host)], within(5000))), ['SPEAKER_UNREACHABLE']);
  assert.deepEqual([reading.read(), events.length], ['', 1]);
});
