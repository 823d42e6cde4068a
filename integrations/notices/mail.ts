/**
 * Notices by mail, over SMTP (RFC 5321) with STARTTLS (RFC 3207) or TLS from the start, and a login where there is one.
 *
 * A connection a notice. The Message-ID is the event's, so that a mail which was sent twice, because word of the first was lost,
 * is one in the reader's mailbox. A refusal with 5xx is for good, one with 4xx is tried again.
 */
import { isIP } from 'node:net';
import { createTransport } from 'nodemailer';
import { type Delivery, type Notice, type NoticeSender, noticeFailed } from '../../domain/notice.js';
import type { Milliseconds } from '../../domain/units.js';
import { addressesOf } from './lookup.js';
import { wordsOf } from './wording.js';

export type MailOptions = {
  readonly server: string;
  readonly port: number;
  /** `starttls`: refused without; `opportunistic`: where the server offers it, any certificate; `tls`: from the start. */
  readonly security: 'starttls' | 'opportunistic' | 'tls' | 'none';
  readonly user: string | null;
  readonly password: string | null;
  readonly from: string;
  readonly to: readonly string[];
  readonly deadlineMs: Milliseconds;
};

const maxDetail = 200;
const maxSubject = 150;

export const mailSender =
  (options: MailOptions): NoticeSender =>
  async (notice, signal) => {
    const { server, deadlineMs } = options;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
    const late = noticeFailed(`${server}: no answer within ${deadlineMs} ms`, true);
    const over = new Promise<Delivery>((resolve) => {
      if (limit.aborted) resolve(late);
      limit.addEventListener('abort', () => resolve(late), { once: true });
    });
    return Promise.race([over, send(options, notice, limit)]);
  };

async function send(options: MailOptions, notice: Notice, limit: AbortSignal): Promise<Delivery> {
  const { server } = options;
  const [found] = await addressesOf(server);
  if (found === undefined) return noticeFailed(`${server}: the name is not found`, true);
  if (limit.aborted) return noticeFailed(`${server}: no time left`, true);
  const transport = createTransport(transportOptions(options, found.address));
  const close = (): void => transport.close();
  limit.addEventListener('abort', close, { once: true });
  try {
    const { accepted, rejected } = await transport.sendMail(messageOf(options, notice));
    if (rejected.length > 0 && accepted.length === 0)
      return noticeFailed(`${server}: took no recipient`, false);
    return { kind: 'delivered' };
  } catch (error) {
    return refusalOf(error, options);
  } finally {
    limit.removeEventListener('abort', close);
    close();
  }
}

function transportOptions(
  { server, port, security, user, password, deadlineMs }: MailOptions,
  address: string,
): Parameters<typeof createTransport>[0] {
  return {
    host: address,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    // The certificate is that of the name; an address has none to be asked by.
    tls: {
      ...(isIP(server) === 0 ? { servername: server } : {}),
      rejectUnauthorized: security !== 'opportunistic',
    },
    ...(user === null ? {} : { auth: { user, pass: password ?? '' } }),
    connectionTimeout: deadlineMs,
    greetingTimeout: deadlineMs,
    socketTimeout: deadlineMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function messageOf(
  { from, to }: MailOptions,
  notice: Notice,
): Parameters<ReturnType<typeof createTransport>['sendMail']>[0] {
  const domain = /@([A-Za-z0-9.-]+)>?\s*$/.exec(from)?.[1] ?? 'tidegate.invalid';
  return {
    from,
    to,
    subject: `[tidegate] ${notice.text}`.replace(/\s+/g, ' ').slice(0, maxSubject),
    text: `${wordsOf(notice).join('\n')}\n`,
    messageId: `<${notice.id}@${domain}>`,
    headers: { 'X-Tidegate-Event': notice.event, 'Auto-Submitted': 'auto-generated' },
    attachments: [
      {
        filename: `${notice.id}.json`,
        content: JSON.stringify(notice, null, 2),
        contentType: 'application/json',
      },
    ],
  };
}

/** nodemailer gives the server's code and line; the login goes into no detail. */
function refusalOf(error: unknown, { server, user, password }: MailOptions): Delivery {
  const of = (name: string): unknown =>
    typeof error === 'object' && error !== null && name in error
      ? Object.entries(error).find(([key]) => key === name)?.[1]
      : undefined;
  const code = of('responseCode');
  const said = of('response') ?? of('code') ?? (error instanceof Error ? error.message : 'failed');
  let detail = String(said).replace(/[^\x20-\x7e]/g, ' ');
  for (const secret of [user, password]) {
    if (secret !== null && secret !== '') detail = detail.replaceAll(secret, '…');
  }
  const forGood = typeof code === 'number' && code >= 500 && code < 600;
  return noticeFailed(`${server}: ${detail.slice(0, maxDetail)}`, !forGood);
}
