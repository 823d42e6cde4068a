/**
 * Notices to a Telegram chat, by a bot's `sendMessage`. The token is part of the URL and the secret: no detail holds it,
 * and what Telegram says is taken from the description of its answer alone.
 */
import type { NoticeSender } from '../../domain/notice.js';
import type { Milliseconds } from '../../domain/units.js';
import { postJson } from './post.js';
import { wordsOf } from './wording.js';

export type TelegramOptions = {
  /** 'https://api.telegram.org', or a server of one's own. */
  readonly server: string;
  readonly token: string;
  /** '-1001234567890', '@channel'. */
  readonly chat: string;
  readonly deadlineMs: Milliseconds;
};

/** Telegram's limit of a message, in characters. */
const maxText = 4096;

export const telegramSender =
  ({ server, token, chat, deadlineMs }: TelegramOptions): NoticeSender =>
  async (notice, signal) => {
    const url = `${server.replace(/\/+$/, '')}/bot${token}/sendMessage`;
    const text = wordsOf(notice).join('\n').slice(0, maxText);
    const body = JSON.stringify({ chat_id: chat, text, disable_web_page_preview: true });
    const delivery = await postJson({ url, body, headers: {}, deadlineMs }, signal, descriptionOf);
    if (delivery.kind === 'delivered' || !delivery.error.detail.includes(token)) return delivery;
    const detail = delivery.error.detail.replaceAll(token, '…');
    return { ...delivery, error: { ...delivery.error, detail } };
  };

/** '{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}'. */
function descriptionOf(answer: string): string {
  try {
    const value: unknown = JSON.parse(answer);
    const said =
      typeof value === 'object' && value !== null && 'description' in value ? value.description : '';
    return typeof said === 'string' ? said.replace(/[^\x20-\x7e]/g, '?') : '';
  } catch {
    return '';
  }
}
