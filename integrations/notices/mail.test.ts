/** Against a real SMTP exchange on loopback. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'vitest';
import type { Delivery } from '../../domain/notice.js';
import { noticesOf } from '../../domain/notice.js';
import { someNotice } from '../../domain/notice-rehearsal.js';
import { aMitigation } from '../../domain/rehearsal.js';
import { type MailOptions, mailSender } from './mail.js';
import { openPost, type Post, type PostOptions } from './smtp-rehearsal.js';

const open: Post[] = [];
afterEach(() => {
  for (const post of open.splice(0)) post.close();
});
async function post(change: Partial<PostOptions> = {}): Promise<Post> {
  const own = await openPost(change);
  open.push(own);
  return own;
}
const mail = (port: number, change: Partial<MailOptions> = {}): ReturnType<typeof mailSender> =>
  mailSender({
    server: 'localhost',
    port,
    security: 'none',
    user: null,
    password: null,
    from: 'Tidegate <tidegate@noc.example>',
    to: ['a@noc.example', 'b@noc.example'],
    deadlineMs: 5000,
    ...change,
  });
const never = new AbortController().signal;
const failed = (delivery: Delivery): Extract<Delivery, { kind: 'failed' }> =>
  delivery.kind === 'failed' ? delivery : assert.fail('delivered');

test('a notice is a letter to each recipient, with the event as its id and the notice attached', async () => {
  const server = await post();
  const notice = someNotice();
  assert.deepEqual(await mail(server.port)(notice, never), { kind: 'delivered' });
  const [letter] = server.letters;
  assert.ok(letter);
  assert.match(letter.from, /<tidegate@noc\.example>/);
  assert.deepEqual(letter.to, ['<a@noc.example>', '<b@noc.example>']);
  assert.match(
    letter.data,
    /^Subject: \[tidegate\] incoming attack on 192\.0\.2\.7: pps 41250 above\n? 20000$/m,
  );
  assert.ok(letter.data.includes(`Message-ID: <${notice.id}@noc.example>`), letter.data);
  assert.match(letter.data, /^Auto-Submitted: auto-generated$/m);
  assert.ok(letter.data.includes(`filename=${notice.id}.json`));
  assert.equal(letter.secure, false);
});

test('STARTTLS is used, a login is given, and without STARTTLS nothing is sent where it is required', async () => {
  const [safe, plain] = [await post({ startTls: true, login: 'noc:geheim' }), await post()];
  const login = { user: 'noc', password: 'geheim' };
  // the certificate of the test is nobody's: it is taken where any is, and refused where it must be one of the name
  assert.equal(
    (await mail(safe.port, { ...login, security: 'opportunistic' })(someNotice(), never)).kind,
    'delivered',
  );
  assert.deepEqual([safe.letters[0]?.secure, safe.letters[0]?.login], [true, 'noc:geheim']);
  assert.ok(failed(await mail(safe.port, { ...login, security: 'starttls' })(someNotice(), never)).again);
  failed(await mail(plain.port, { security: 'starttls' })(someNotice(), never));
  assert.deepEqual([safe.letters.length, plain.letters.length], [1, 0]);
});

test('a wrong login is for good, and neither user nor password is in the detail', async () => {
  const server = await post({ login: 'noc:geheim' });
  const { again, error } = failed(
    await mail(server.port, { user: 'operator7', password: 'falsch' })(someNotice(), never),
  );
  assert.equal(again, false);
  assert.ok(!error.detail.includes('operator7') && !error.detail.includes('falsch'), error.detail);
  assert.match(error.detail, /535/);
});

const refusals: readonly {
  readonly claim: string;
  readonly answers: readonly [string, string];
  readonly again: boolean;
}[] = [
  { claim: 'greylisting is tried again', answers: ['RCPT', '451 try later'], again: true },
  { claim: 'no such recipients is for good', answers: ['RCPT', '550 no such user'], again: false },
  { claim: 'a full mailbox is tried again', answers: ['.', '452 no room'], again: true },
  { claim: 'refused content is for good', answers: ['.', '554 spam'], again: false },
];
for (const { claim, answers, again } of refusals) {
  test(claim, async () => {
    const server = await post({ answers: new Map([answers]) });
    const delivery = failed(await mail(server.port)(someNotice(), never));
    assert.deepEqual([delivery.again, delivery.error.code], [again, 'NOTICE_FAILED']);
  });
}

test('a server that is silent, from the start or later, costs the deadline; one that is gone a moment', async () => {
  const [mute, half, gone] = [
    await post({ silentFrom: '' }),
    await post({ silentFrom: 'RCPT' }),
    await post(),
  ];
  gone.close();
  // without the deadline the first two would not end at all
  const deliveries = await Promise.all(
    [mute, half, gone].map(({ port }) => mail(port, { deadlineMs: 500 })(someNotice(), never)),
  );
  assert.deepEqual(
    deliveries.map((one) => failed(one).again),
    [true, true, true],
  );
});

test('no text of an attack or a comment makes a header or a recipient', async () => {
  const server = await post();
  const comment = 'x\r\nBcc: c@evil.example\r\n.\r\nRCPT TO:<c@evil.example>';
  const [notice] = noticesOf(null, aMitigation({ comment, heldBack: comment }), 1e15);
  assert.ok(notice);
  const odd = { ...notice, text: `a\r\nBcc: c@evil.example` };
  assert.equal((await mail(server.port)(odd, never)).kind, 'delivered');
  const [letter] = server.letters;
  const [head = ''] = (letter?.data ?? '').split('\n\n');
  assert.equal(server.letters.length, 1);
  assert.equal(letter?.to.length, 2);
  assert.ok(!/^Bcc:/im.test(head), head);
});
