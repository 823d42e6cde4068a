/**
 * One HTTP POST of JSON, over in `deadlineMs` whatever the receiver does.
 *
 * Redirects are not followed: a signed body, or a URL that is a secret, goes to the host that was configured or to none. At most
 * `maxAnswerBytes` of an answer are read. No detail holds the URL, whose path may be a secret: only its host.
 */
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import type { LookupFunction } from 'node:net';
import { type Delivery, noticeFailed } from '../../domain/notice.js';
import type { Milliseconds } from '../../domain/units.js';
import { addressesOf } from './lookup.js';

export type Post = {
  readonly url: string;
  readonly body: string;
  readonly headers: { readonly [name: string]: string };
  readonly deadlineMs: Milliseconds;
};

const maxAnswerBytes = 4096;
const maxDetail = 200;

/** `explain`: what the receiver says in its answer, for people. */
export function postJson(
  { url, body, headers, deadlineMs }: Post,
  signal: AbortSignal,
  explain: (answer: string) => string = firstLine,
): Promise<Delivery> {
  const target = parsed(url);
  if (target === null) return Promise.resolve(noticeFailed('the URL is not http:// or https://', false));
  const limit = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
  const host = target.host;
  return new Promise((resolve) => {
    const fail = (error: unknown): void => {
      const why = limit.aborted ? `no answer within ${deadlineMs} ms` : reasonOf(error);
      resolve(noticeFailed(`${host}: ${why}`, true));
    };
    // What is thrown here is a header that cannot be sent: a fault of the configuration.
    try {
      const send = target.protocol === 'https:' ? requestTls : requestPlain;
      const request = send(
        target,
        {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'content-length': String(Buffer.byteLength(body)),
            'user-agent': 'tidegate',
            ...headers,
          },
          agent: false,
          lookup: patientLookup,
          signal: limit,
        },
        (response) => {
          if (isTaken(response)) {
            response.resume();
            resolve({ kind: 'delivered' });
            return;
          }
          answerOf(response).then((answer) => resolve(deliveryOf(response, answer, host, explain)), fail);
        },
      );
      request.on('error', fail);
      request.end(body);
    } catch (error) {
      resolve(noticeFailed(`${host}: ${reasonOf(error)}`, false));
    }
  });
}

/** What it says beside that is of no interest. */
const isTaken = ({ statusCode = 0 }: IncomingMessage): boolean => statusCode >= 200 && statusCode < 300;

function parsed(url: string): URL | null {
  try {
    const target = new URL(url);
    return target.protocol === 'http:' || target.protocol === 'https:' ? target : null;
  } catch {
    return null;
  }
}

function deliveryOf(
  response: IncomingMessage,
  answer: string,
  host: string,
  explain: (answer: string) => string,
): Delivery {
  const status = response.statusCode ?? 0;
  if (status >= 300 && status < 400) {
    return noticeFailed(`${host}: answers ${status}, a redirect, which is not followed`, false);
  }
  const said = explain(answer).slice(0, maxDetail);
  const detail = `${host}: answers ${status}${said === '' ? '' : `: ${said}`}`;
  // 408, 425 and 429 ask for another attempt; the other 4xx are for good.
  const again = status >= 500 || [408, 425, 429].includes(status);
  return noticeFailed(detail, again, again ? retryAfterMs(response.headers['retry-after']) : null);
}

/** Seconds; the other form, a date, would need clocks that agree. RFC 9110 section 10.2.3. */
const retryAfterMs = (text: string | undefined): Milliseconds | null =>
  text !== undefined && /^\d{1,6}$/.test(text.trim()) ? Number(text) * 1000 : null;

async function answerOf(response: IncomingMessage): Promise<string> {
  let answer = '';
  response.setEncoding('utf8');
  for await (const text of response) {
    answer += text;
    if (answer.length > maxAnswerBytes) break;
  }
  return answer.slice(0, maxAnswerBytes);
}

const firstLine = (answer: string): string =>
  (answer.split('\n')[0] ?? '').replace(/[^\x20-\x7e]/g, '?').trim();
const reasonOf = (error: unknown): string => {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return code !== '' ? code : error instanceof Error ? error.name : 'failed';
};

const patientLookup: LookupFunction = (name, options, done) => {
  addressesOf(name).then((found) => {
    const wanted = found.filter(
      ({ family }) => options.family === 0 || options.family === undefined || options.family === family,
    );
    const [first] = wanted.length > 0 ? wanted : found;
    if (first === undefined) {
      done(Object.assign(new Error('name not found'), { code: 'ENOTFOUND' }), '', 0);
    } else if (options.all === true) done(null, [...wanted]);
    else done(null, first.address, first.family);
  });
};
