/**
 * Notices to a program of the operator's: POST of the notice as JSON, signed where a secret is set (docs/notices.md).
 *
 *   X-Tidegate-Event: attack_began
 *   X-Tidegate-Signature: t=1795480780,v1=<HMAC-SHA256 of "<t>.<body>" with the secret, hexadecimal>
 *   Idempotency-Key: <id of the event>
 *
 * The time is that of the attempt, so a receiver can refuse what was recorded and is sent again by somebody else.
 */
import { createHmac } from 'node:crypto';
import type { NoticeSender } from '../../domain/notice.js';
import type { Milliseconds } from '../../domain/units.js';
import { postJson } from './post.js';

export type WebhookOptions = {
  readonly url: string;
  /** null: not signed. */
  readonly secret: string | null;
  readonly deadlineMs: Milliseconds;
};

/** `unixSeconds`: the clock of the signature. */
export const webhookSender =
  (
    { url, secret, deadlineMs }: WebhookOptions,
    unixSeconds: () => number = () => Math.floor(Date.now() / 1000),
  ): NoticeSender =>
  (notice, signal) => {
    const body = JSON.stringify(notice);
    const headers = {
      'x-tidegate-event': notice.event,
      'idempotency-key': notice.id,
      ...(secret === null ? {} : { 'x-tidegate-signature': signatureOf(secret, unixSeconds(), body) }),
    };
    return postJson({ url, body, headers, deadlineMs }, signal);
  };

export const signatureOf = (secret: string, unixSeconds: number, body: string): string =>
  `t=${unixSeconds},v1=${createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex')}`;
