/** The configured receivers of notices as children of the `outlets` roster, and the way of the ledger's news to them. */
import { noticeActor } from '../actors/notice/actor.js';
import type { NoticeMessage } from '../actors/notice/messages.js';
import type { ReceiverSettings } from '../config/settings.js';
import type { Mitigation } from '../domain/mitigation.js';
import { type NoticeSender, noticesOf } from '../domain/notice.js';
import type { UnixMicros } from '../domain/units.js';
import { mailSender } from '../integrations/notices/mail.js';
import { slackSender } from '../integrations/notices/slack.js';
import { telegramSender } from '../integrations/notices/telegram.js';
import { webhookSender } from '../integrations/notices/webhook.js';
import type { Ref } from '../supervision/behaviour.js';
import type { Place } from '../supervision/place.js';
import type { Wanted } from '../supervision/roster.js';

/** `placeOf`: by the id of its child. */
export function wantedReceivers(
  receivers: readonly ReceiverSettings[],
  placeOf: (id: string) => Place<NoticeMessage>,
): readonly Wanted[] {
  return receivers.map((settings) => {
    const spec = noticeActor({ name: settings.name, send: senderOf(settings), random: Math.random });
    return { edition: JSON.stringify(settings), spec: placeOf(spec.id).child(spec) };
  });
}

function senderOf(settings: ReceiverSettings): NoticeSender {
  switch (settings.kind) {
    case 'webhook':
      return webhookSender(settings);
    case 'slack':
      return slackSender(settings);
    case 'telegram':
      return telegramSender(settings);
    case 'mail':
      return mailSender(settings);
  }
}

/** Each change to each receiver there is at that moment. Their mailboxes drop the oldest, so nothing waits here. */
export const newsTo =
  (receivers: () => Iterable<Ref<NoticeMessage>>) =>
  (before: Mitigation | null, after: Mitigation, at: UnixMicros): void => {
    const refs = [...receivers()];
    if (refs.length === 0) return;
    const notices = noticesOf(before, after, at);
    if (notices.length === 0) return;
    for (const ref of refs) ref.send({ kind: 'notify', notices });
  };
