/** Files with one fault each in who is told of attacks; `faults.test.ts` tries them. */
import type { BadConfiguration } from './bad-configuration.js';

const before = 'networks: [192.0.2.0/24]\ncapture: {interfaces: [eth0]}\nnotify:\n'; // three lines
const mail = (keys: string): string =>
  `${before}  mail:\n    - {server: "mail.example.net:25", from: a@example.net, ${keys}}\n`; // on line 5

export const badNotices: readonly BadConfiguration[] = [
  {
    claim: 'a webhook that is no URL',
    text: `${before}  webhooks: ["hooks.example.net"]\n`,
    line: 4,
    key: 'notify.webhooks[0].url',
    message: /'hooks\.example\.net' is not a URL/,
    remedy: /https:/,
  },
  {
    claim: 'a webhook that is a file',
    text: `${before}  slack: ["file:///etc/passwd"]\n`,
    line: 4,
    key: 'notify.slack[0].url',
    message: /'file:.*' is not a URL of the web/,
    remedy: /https:/,
  },
  {
    claim: 'a chat that is a number',
    text: `${before}  telegram: [{token: "1:a", chat: -100}]\n`,
    line: 4,
    key: 'notify.telegram[0].chat',
    message: /'-100' is not a text/,
    remedy: /as text/,
  },
  {
    claim: 'two receivers of one name',
    text: `${before}  webhooks: ["https://a.example", "https://b.example"]\n`,
    line: 4,
    key: 'notify.webhooks[1].name',
    message: /two receivers are called 'webhook'/,
    remedy: /name of its own/,
  },
  {
    claim: 'mail to nobody',
    text: mail('to: []'),
    line: 5,
    key: 'notify.mail[0].to',
    message: /nobody to send mail to/,
    remedy: /noc@example\.net/,
  },
  {
    claim: 'mail to half an address',
    text: mail('to: [noc]'),
    line: 5,
    key: 'notify.mail[0].to[0]',
    message: /'noc' is not a mail address/,
    remedy: /noc@example\.net/,
  },
  {
    claim: 'a user without a password',
    text: mail('to: [b@example.net], user: u'),
    line: 5,
    key: 'notify.mail[0]',
    message: /user and its password go together/,
    remedy: /both, or neither/,
  },
  {
    claim: 'a password in the clear',
    severity: 'warning',
    text: mail('to: [b@example.net], user: u, password: p, security: none'),
    line: 5,
    key: 'notify.mail[0].security',
    message: /sent in the clear/,
    remedy: /starttls/,
  },
  {
    claim: 'a secret of two lines',
    text: `${before}  webhooks: [{url: "https://a.example", secret: "a\\nb"}]\n`,
    line: 4,
    key: 'notify.webhooks[0].secret',
    message: /holds a line break/,
    remedy: /one line/,
  },
];
