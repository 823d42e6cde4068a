/** The keys of those who are told of attacks beside the script: webhooks, Slack, Telegram, mail. A part of `schema.ts`. */
import { choice, leaf, list, required, section, type ValuesOf } from './declaration.js';

const deadline = leaf<string>(
  'duration',
  '10s',
  'An attempt that takes longer has failed, and is made again.',
  {
    min: 100,
    max: 300_000,
  },
);
const name = (standard: string) =>
  leaf<string>('name', standard, 'In reports and logs; unique among all receivers.');

export const webhook = section('', {
  url: required<string>('url', 'Where a JSON document is posted for each event.'),
  name: name('webhook'),
  secret: leaf<string | null>('text', null, 'Signs each document (HMAC-SHA256), see docs/notices.md.', {
    words: 'not signed',
  }),
  deadline,
});
export const slack = section('', {
  url: required<string>('url', 'Its incoming webhook, or that of anything that takes the same.'),
  name: name('slack'),
  deadline,
});
export const telegram = section('', {
  token: required<string>('text', 'Of the bot.'),
  chat: required<string>('text', 'A chat, as a text: `"-1001234567890"`, `"@channel"`.'),
  server: leaf<string>('url', 'https://api.telegram.org', 'Another server of the same API.'),
  name: name('telegram'),
  deadline,
});
export const mail = section('', {
  server: required<string>('endpoint', 'Of SMTP: `mail.example.net:587`.'),
  from: required<string>('mail_address', ''),
  to: list('', required<string>('mail_address', '')),
  security: choice(
    ['starttls', 'opportunistic', 'tls', 'none'],
    'starttls',
    '`starttls`: not without. `opportunistic`: where the server offers it, with any certificate. `tls`: from the start.',
  ),
  user: leaf<string | null>('text', null, 'Log in as.'),
  password: leaf<string | null>('text', null, ''),
  name: name('mail'),
  deadline,
});

export const noticeKeys = {
  webhooks: list(
    'Signed JSON, tried again until it is taken. A text stands for `url` alone.',
    webhook,
    'url',
  ),
  slack: list('A text stands for `url` alone.', slack, 'url'),
  telegram: list('', telegram),
  mail: list('', mail),
} as const;

export type WebhookValues = ValuesOf<typeof webhook>;
export type SlackValues = ValuesOf<typeof slack>;
export type TelegramValues = ValuesOf<typeof telegram>;
export type MailValues = ValuesOf<typeof mail>;
