/**
 * Notices to a Slack channel, or to whatever takes Slack's incoming webhooks (Mattermost, Rocket.Chat, Discord's `/slack`).
 * The URL is the secret; nothing of it but its host is ever in a detail.
 */
import type { NoticeSender } from '../../domain/notice.js';
import type { Milliseconds } from '../../domain/units.js';
import { postJson } from './post.js';
import { wordsOf } from './wording.js';

export type SlackOptions = { readonly url: string; readonly deadlineMs: Milliseconds };

export const slackSender =
  ({ url, deadlineMs }: SlackOptions): NoticeSender =>
  (notice, signal) => {
    const [headline = '', ...lines] = wordsOf(notice).map(escaped);
    // `text` is what notifications show, and all that simpler receivers look at
    const body = JSON.stringify({ text: [`*${headline}*`, ...lines].join('\n') });
    return postJson({ url, body, headers: { 'idempotency-key': notice.id }, deadlineMs }, signal);
  };

/** The three characters that are markup in Slack's text. A comment could hold any, and a mention. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
