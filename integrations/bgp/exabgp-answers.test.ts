/** Answers that are late, missing, refused, or somebody else's: an ExaBGP that is played by the test, over real pipes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, test } from 'vitest';
import type { Result } from '../../domain/result.js';
import type { Speaker, SpeakerEvent } from '../../domain/speaker.js';
import { announce, route } from './announcement-rehearsal.js';
import { exabgpSpeaker } from './exabgp.js';
import { until } from './exabgp-rehearsal.js';

const folder = mkdtempSync(join(tmpdir(), 'tidegate-exaanswers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

let serial = 0;
/** `answer`: the lines for a command; null: it is passed over. Fences and the version are answered by the play. */
function play(answer: (command: string, count: number) => readonly string[] | null): {
  readonly speaker: Speaker;
  readonly events: SpeakerEvent[];
  readonly heard: string[];
  /** As somebody else's answers come. */
  readonly say: (text: string) => void;
  asleep: boolean;
} {
  serial += 1;
  const [commandPipe, answerPipe] = [join(folder, `${serial}.in`), join(folder, `${serial}.out`)];
  execFileSync('mkfifo', [commandPipe, answerPipe]);
  const flags = constants.O_RDWR | constants.O_NONBLOCK;
  const [commands, answers] = [openSync(commandPipe, flags), openSync(answerPipe, flags)];
  const heard: string[] = [];
  const buffer = Buffer.alloc(65_536);
  let partial = '';
  const stage = {
    heard,
    events: [] as SpeakerEvent[],
    say: (text: string): void => void writeSync(answers, text),
    asleep: false,
  };
  const reply = (command: string): readonly string[] | null => {
    if (command === 'version') return ['exabgp 4.2.21', 'done'];
    if (command.endsWith(' summary')) {
      return ['Peer            AS        up/down state       |     #sent     #recvd', 'done'];
    }
    heard.push(command);
    return answer(command, heard.length);
  };
  const timer = setInterval(() => {
    if (stage.asleep) return;
    let text = '';
    try {
      text = buffer.toString('latin1', 0, readSync(commands, buffer));
    } catch {
      return;
    }
    const lines = (partial + text).split('\n');
    partial = lines.pop() ?? '';
    for (const line of lines) {
      for (const said of reply(line) ?? []) stage.say(`${said}\n`);
    }
  }, 1);
  const speaker = exabgpSpeaker({ pipe: commandPipe, answers: answerPipe, mark: null })((event) =>
    stage.events.push(event),
  );
  open.push(() => {
    clearInterval(timer);
    speaker.close();
    closeSync(commands);
    closeSync(answers);
  });
  return Object.assign(stage, { speaker });
}

const never = new AbortController().signal;
const isUp = ({ events }: { readonly events: readonly SpeakerEvent[] }): boolean =>
  events.at(-1)?.kind === 'up';
const codes = (results: readonly Result<void>[]): readonly string[] =>
  results.map((one) => (one.ok ? 'ok' : one.error.code));
/** Of attributes that differ, so that each has a line of its own. */
const changes = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    announce(route(`192.0.2.${index}/32`, '10.0.3.1', { standard: [[65001, index]] })),
  );

test('each answer belongs to its command', async () => {
  const stage = play((command) => [command.includes('192.0.2.3/32') ? 'error' : 'done']);
  const results = await stage.speaker.change(changes(6), never);
  assert.deepEqual(codes(results), ['ok', 'ok', 'ok', 'SPEAKER_REFUSED', 'ok', 'ok']);
  assert.equal(stage.heard.length, 6);
});

test('a command that gets no answer is found, and costs the others nothing', async () => {
  const stage = play((command) => (command.includes('192.0.2.70/32') ? null : ['done']));
  const began = performance.now();
  const results = await stage.speaker.change(changes(150), never);
  assert.deepEqual(
    codes(results).flatMap((code, index) => (code === 'ok' ? [] : [`${index} ${code}`])),
    ['70 TIMEOUT'],
  );
  assert.ok(performance.now() - began < 20_000);
  const [after] = await stage.speaker.change(changes(1), never);
  assert.equal(after?.ok, true);
});

test('answers to others among ours change nothing while all is well', async () => {
  const stage = play((_, count) =>
    count % 3 === 0 ? ['done', 'neighbor 127.0.0.1 is odd', 'done'] : ['done'],
  );
  assert.deepEqual([...new Set(codes(await stage.speaker.change(changes(100), never)))], ['ok']);
});

test('a refusal among answers to others is still given to its command', async () => {
  const stage = play((command, count) => [
    command.includes('192.0.2.5/32') ? 'error' : 'done',
    // once, and not when it is told again alone
    ...(count === 3 ? ['done'] : []),
  ]);
  const results = await stage.speaker.change(changes(10), never);
  assert.deepEqual(
    codes(results).flatMap((code, index) => (code === 'ok' ? [] : [`${index} ${code}`])),
    ['5 SPEAKER_REFUSED'],
  );
});

test('what lies in the pipe from an earlier life is nobody’s answer', async () => {
  const stage = play(() => ['error']);
  stage.say('done\ndone\ndone\n');
  await until(() => isUp(stage));
  stage.say('done\n');
  assert.deepEqual(codes(await stage.speaker.change(changes(2), never)), [
    'SPEAKER_REFUSED',
    'SPEAKER_REFUSED',
  ]);
});

test('asleep: over at the deadline, then down; awake: the late answers are not taken for new ones', async () => {
  const refused = new Set(['192.0.2.0/32']);
  const stage = play((command) => [
    [...refused].some((prefix) => command.includes(prefix)) ? 'error' : 'done',
  ]);
  await until(() => isUp(stage));
  stage.asleep = true;
  const late = await stage.speaker.change(changes(3), AbortSignal.timeout(300));
  assert.deepEqual(codes(late), ['TIMEOUT', 'TIMEOUT', 'TIMEOUT']);
  assert.ok(await until(() => stage.events.at(-1)?.kind === 'down', 15_000));
  stage.asleep = false;
  assert.ok(await until(() => isUp(stage), 15_000));
  refused.clear();
  refused.add('192.0.2.1/32');
  assert.deepEqual(codes(await stage.speaker.change(changes(2), never)), ['ok', 'SPEAKER_REFUSED']);
});

test('an ExaBGP that says that it ends is down, and what waited for it is over', async () => {
  const stage = play((command) => (command.includes('192.0.2.1/32') ? ['shutdown'] : ['done']));
  await until(() => isUp(stage));
  const results = await stage.speaker.change(changes(3), never);
  assert.ok(
    results.every((one) => !one.ok && one.error.code === 'SPEAKER_UNREACHABLE'),
    JSON.stringify(results),
  );
  assert.ok(await until(() => stage.events.some(({ kind }) => kind === 'down')));
});

test('answers in JSON are answers, and neighbours without an adj-rib-out cannot be read', async () => {
  const stage = play((command) =>
    command === 'show neighbor configuration'
      ? [
          'neighbor 127.0.0.1 {',
          '  adj-rib-out false;',
          '  family {',
          '    ipv4 unicast;',
          '  }',
          '}',
          'done',
        ]
      : ['{ "answer": "done", "message": "command completed" }'],
  );
  assert.deepEqual(codes(await stage.speaker.change(changes(2), never)), ['ok', 'ok']);
  assert.deepEqual(await stage.speaker.list(new Set(), never), { ok: true, value: null });
});
