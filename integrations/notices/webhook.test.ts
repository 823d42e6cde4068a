/** Against real HTTP servers on loopback. */
import assert from 'node:assert/strict';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, test } from 'vitest';
import type { Delivery, NoticeSender } from '../../domain/notice.js';
import { noticesOf } from '../../domain/notice.js';
import { someNotice } from '../../domain/notice-rehearsal.js';
import { aMitigation } from '../../domain/rehearsal.js';
import { addressesOf } from './lookup.js';
import { slackSender } from './slack.js';
import { telegramSender } from './telegram.js';
import { webhookSender } from './webhook.js';

type Seen = { readonly headers: IncomingMessage['headers']; readonly body: string; readonly url: string };
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(
  answer: (response: ServerResponse, count: number) => void,
  port = 0,
): Promise<{
  readonly url: string;
  readonly port: number;
  readonly seen: Seen[];
  readonly close: () => Promise<void>;
}> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (bytes: Buffer) => {
      body += bytes.toString();
    });
    request.on('end', () => {
      seen.push({ headers: request.headers, body, url: request.url ?? '' });
      answer(response, seen.length);
    });
  });
  servers.push(server);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const own = (server.address() as AddressInfo).port;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${own}/hook/secret-path`, port: own, seen, close };
}
const ok = (response: ServerResponse): void => {
  response.end('fine');
};
const hook = (url: string, secret: string | null = null, deadlineMs = 5000): NoticeSender =>
  webhookSender({ url, secret, deadlineMs });
const never = new AbortController().signal;
const detailOf = (delivery: Delivery): string =>
  delivery.kind === 'failed' ? delivery.error.detail : 'delivered';

test('a notice arrives as JSON, signed so that the receiver can verify it', async () => {
  const server = await serve(ok);
  const notice = someNotice();
  assert.equal((await hook(server.url, 'geheim')(notice, never)).kind, 'delivered');
  const [got] = server.seen;
  assert.ok(got);
  assert.deepEqual(JSON.parse(got.body), notice);
  assert.equal(got.headers['idempotency-key'], notice.id);
  assert.equal(got.headers['x-tidegate-event'], 'attack_began');
  assert.equal(got.headers['content-type'], 'application/json');
  // as docs/notices.md tells receivers
  const parts = new Map(
    String(got.headers['x-tidegate-signature'])
      .split(',')
      .map((part) => part.split('=') as [string, string]),
  );
  const expected = createHmac('sha256', 'geheim')
    .update(`${parts.get('t')}.${got.body}`)
    .digest('hex');
  assert.ok(timingSafeEqual(Buffer.from(expected), Buffer.from(parts.get('v1') ?? '')));
  assert.ok(Math.abs(Date.now() / 1000 - Number(parts.get('t'))) < 60);
  const other = createHmac('sha256', 'geheim')
    .update(`${parts.get('t')}.${got.body} `)
    .digest('hex');
  assert.notEqual(other, parts.get('v1'));
});

test('without a secret nothing is signed', async () => {
  const server = await serve(ok);
  await hook(server.url)(someNotice(), never);
  assert.equal(server.seen[0]?.headers['x-tidegate-signature'], undefined);
});

const answers: readonly {
  readonly claim: string;
  readonly status: number;
  readonly headers?: { readonly [name: string]: string };
  readonly again: boolean;
  readonly afterMs?: number;
}[] = [
  { claim: '500 is tried again', status: 500, again: true },
  {
    claim: '503 is tried again when it says',
    status: 503,
    headers: { 'retry-after': '7' },
    again: true,
    afterMs: 7000,
  },
  {
    claim: '429 is tried again when it says',
    status: 429,
    headers: { 'retry-after': '30' },
    again: true,
    afterMs: 30_000,
  },
  {
    claim: 'a date in Retry-After is left to our own pace',
    status: 503,
    headers: { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' },
    again: true,
  },
  { claim: '400 is for good', status: 400, again: false },
  { claim: '410 is for good', status: 410, again: false },
];
for (const { claim, status, headers = {}, again, afterMs = null } of answers) {
  test(claim, async () => {
    const server = await serve((response) => {
      response.writeHead(status, headers).end('no');
    });
    const delivery = await hook(server.url)(someNotice(), never);
    assert.ok(delivery.kind === 'failed');
    assert.deepEqual(
      [delivery.again, delivery.afterMs, delivery.error.code],
      [again, afterMs, 'NOTICE_FAILED'],
    );
    assert.ok(!delivery.error.detail.includes('secret-path'), delivery.error.detail);
  });
}

test('a redirect is not followed, to wherever', async () => {
  const target = await serve(ok);
  const server = await serve((response) => {
    response.writeHead(307, { location: target.url }).end();
  });
  const delivery = await hook(server.url, 'geheim')(someNotice(), never);
  assert.ok(delivery.kind === 'failed' && !delivery.again);
  assert.equal(target.seen.length, 0);
});

test('a receiver that hangs costs its deadline, one that closes or is not there a moment', async () => {
  const hanging = await serve(() => {});
  const trickling = await serve((response) => {
    response.writeHead(500);
    const timer = setInterval(() => response.write('x'), 20);
    response.on('close', () => clearInterval(timer));
  });
  const closing = await serve((response) => {
    response.socket?.destroy();
  });
  const gone = await serve(ok);
  await gone.close();
  const deaf = createTcpServer().listen(0, '127.0.0.1');
  await once(deaf, 'listening');
  const silent = `http://127.0.0.1:${(deaf.address() as AddressInfo).port}/`;
  // without the deadline three of them would not end at all
  const deliveries = await Promise.all(
    [hanging.url, trickling.url, closing.url, gone.url, silent].map((url) =>
      hook(url, null, 400)(someNotice(), never),
    ),
  );
  for (const delivery of deliveries)
    assert.ok(delivery.kind === 'failed' && delivery.again, detailOf(delivery));
  assert.match(detailOf(deliveries[0] ?? assert.fail()), /no answer within 400 ms/);
  assert.match(detailOf(deliveries[3] ?? assert.fail()), /ECONNREFUSED/);
  deaf.close();
});

test('three times 500, then well: the same event and a new signature time each attempt', async () => {
  const server = await serve((response, count) => {
    response.writeHead(count <= 3 ? 500 : 204).end();
  });
  let seconds = 1000;
  const send = webhookSender({ url: server.url, secret: 's', deadlineMs: 5000 }, () => seconds++);
  const kinds: string[] = [];
  for (let attempt = 0; attempt < 4; attempt += 1) kinds.push((await send(someNotice(), never)).kind);
  assert.deepEqual(kinds, ['failed', 'failed', 'failed', 'delivered']);
  assert.equal(new Set(server.seen.map(({ headers }) => headers['idempotency-key'])).size, 1);
  assert.equal(new Set(server.seen.map(({ headers }) => headers['x-tidegate-signature'])).size, 4);
});

test('a receiver that was restarted is reached again', async () => {
  const first = await serve(ok);
  const send = hook(first.url);
  assert.equal((await send(someNotice(1), never)).kind, 'delivered');
  await first.close();
  assert.equal((await send(someNotice(2), never)).kind, 'failed');
  const second = await serve(ok, first.port);
  assert.equal((await send(someNotice(2), never)).kind, 'delivered');
  assert.equal(second.seen.length, 1);
});

test('an abort ends it at once', async () => {
  const server = await serve(() => {});
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 50);
  const longerThanTheTestMayTakeMs = 3_600_000;
  const send = hook(server.url, null, longerThanTheTestMayTakeMs);
  assert.equal((await send(someNotice(), stop.signal)).kind, 'failed');
});

test('an answer without end is a success once its head says so, and an error of it is cut', async () => {
  const endless = (status: number) => (response: ServerResponse) => {
    response.writeHead(status);
    const timer = setInterval(() => response.write('x'.repeat(10_000)), 5);
    response.on('close', () => clearInterval(timer));
  };
  const [fine, bad] = [await serve(endless(200)), await serve(endless(500))];
  assert.equal((await hook(fine.url)(someNotice(), never)).kind, 'delivered');
  const delivery = await hook(bad.url)(someNotice(), never);
  assert.ok(delivery.kind === 'failed' && delivery.error.detail.length < 300);
});

test('a URL that is none, or of another kind, is refused for good', async () => {
  for (const url of ['', 'hook', 'file:///etc/passwd', 'ftp://127.0.0.1/']) {
    const delivery = await hook(url)(someNotice(), never);
    assert.ok(delivery.kind === 'failed' && !delivery.again, url);
  }
});

test('Slack gets a text, without markup from outside', async () => {
  const server = await serve(ok);
  const [notice] = noticesOf(null, aMitigation({ comment: '<!channel> & co' }), 1e15);
  assert.ok(notice);
  assert.equal((await slackSender({ url: server.url, deadlineMs: 5000 })(notice, never)).kind, 'delivered');
  const { text } = JSON.parse(server.seen[0]?.body ?? '{}');
  assert.match(text, /^\*incoming attack on 192\.0\.2\.7: pps 41250 above 20000\*\n/);
  assert.ok(text.includes('&lt;!channel&gt; &amp; co') && !text.includes('<'));
});

test('Telegram gets sendMessage, and its token is in no detail', async () => {
  const token = '123456:AAE-secret';
  const server = await serve((response, count) => {
    if (count === 1) response.end('{"ok":true}');
    else {
      response
        .writeHead(400)
        .end(JSON.stringify({ ok: false, description: `chat of bot${token} not found` }));
    }
  });
  const send = telegramSender({
    server: `http://127.0.0.1:${server.port}/`,
    token,
    chat: '-100',
    deadlineMs: 5000,
  });
  assert.equal((await send(someNotice(), never)).kind, 'delivered');
  assert.equal(server.seen[0]?.url, `/bot${token}/sendMessage`);
  const body = JSON.parse(server.seen[0]?.body ?? '{}');
  assert.equal(body.chat_id, '-100');
  assert.match(body.text, /^incoming attack on 192\.0\.2\.7/);
  const delivery = await send(someNotice(), never);
  assert.match(detailOf(delivery), /chat of bot… not found/);
  await server.close();
  assert.ok(!detailOf(await send(someNotice(), never)).includes(token));
});

test('names are found without the thread pool: in /etc/hosts, or as they are', async () => {
  assert.deepEqual(await addressesOf('127.0.0.1'), [{ address: '127.0.0.1', family: 4 }]);
  assert.deepEqual(await addressesOf('::1'), [{ address: '::1', family: 6 }]);
  assert.equal((await addressesOf('localhost'))[0]?.address, '127.0.0.1');
  const server = await serve(ok);
  const named = server.url.replace('127.0.0.1', 'localhost');
  assert.equal((await hook(named)(someNotice(), never)).kind, 'delivered');
});
