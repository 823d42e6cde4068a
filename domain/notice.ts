/**
 * Notices: what people and their programs are told of an attack while it runs.
 *
 * A notice is a plain JSON value (docs/notices.md, held to this file by a test). Its `id` names the event, not the sending: a
 * receiver that has seen it has seen the event. Which notices a change of a mitigation calls for is `noticesOf`, which
 * is pure: the same change always gives the same ids.
 */
import { announcementKey } from './announcement.js';
import { type Attack, subjectText } from './attack.js';
import { flowspecRuleText } from './flowspec.js';
import type { Mitigation } from './mitigation.js';
import type { Failure } from './result.js';
import { type Milliseconds, rfc3339, type UnixMicros } from './units.js';

/** Grows when a field changes its meaning or goes; a new field does not change it. */
export const noticeVersion = 1;

export const noticeEvents = [
  'attack_began',
  'evidence_complete',
  'mitigation_changed',
  'attack_ended',
] as const;
export type NoticeEvent = (typeof noticeEvents)[number];

/** What has changed, of `mitigation_changed`. */
export const noticeChanges = [
  'announced',
  'held_back',
  'effective',
  'partial',
  'ineffective',
  'escalated',
] as const;
export type NoticeChange = (typeof noticeChanges)[number];

/** Times are RFC 3339 in UTC; rates are per second, sampling undone. */
export type Notice = {
  readonly version: typeof noticeVersion;
  readonly id: string;
  readonly event: NoticeEvent;
  /** null but for `mitigation_changed`. */
  readonly change: NoticeChange | null;
  readonly at: string;
  /** One line for people. */
  readonly text: string;
  readonly attack: {
    readonly id: string;
    readonly subject: string;
    readonly direction: string;
    readonly hostgroup: string;
    readonly origin: string;
    readonly started_at: string;
    readonly ended_at: string | null;
    readonly metric: string | null;
    readonly rate: number | null;
    readonly threshold: number | null;
    readonly peak_pps: number;
    readonly peak_bps: number;
    readonly vector: string | null;
    /** How often it has come back. */
    readonly returns: number;
    readonly files: readonly string[];
  };
  readonly mitigation: {
    readonly state: string;
    readonly action: string;
    readonly since: string;
    readonly until: string | null;
    readonly comment: string;
    readonly held_back: string | null;
    readonly escalated: string | null;
    /** Why no rules are made. */
    readonly no_rules: string | null;
    readonly effect: string | null;
    /** Relative to the attack's peak. */
    readonly remaining: number | null;
    /** Why nobody can say whether it helps. */
    readonly unproven: string | null;
    /** Where the attack is still seen. */
    readonly seen_at: readonly string[];
    readonly rules: readonly string[];
    readonly announcements: readonly {
      readonly speaker: string;
      readonly what: string;
      readonly state: string;
    }[];
  };
};

/** What came of one attempt. `again`: it may succeed later, not before `afterMs` when the receiver asks for that. */
export type Delivery =
  | { readonly kind: 'delivered' }
  | {
      readonly kind: 'failed';
      readonly error: Failure;
      readonly again: boolean;
      readonly afterMs: Milliseconds | null;
    };

/**
 * Hands one notice to one receiver; has its own deadline, and never rejects. Its details name no secret. `id` of the notice goes
 * with it, where the receiver's protocol has room for it.
 */
export type NoticeSender = (notice: Notice, signal: AbortSignal) => Promise<Delivery>;

export const noticeFailed = (
  detail: string,
  again: boolean,
  afterMs: Milliseconds | null = null,
): Delivery => ({ kind: 'failed', error: { code: 'NOTICE_FAILED', detail }, again, afterMs });

/** Entries of the lists of one notice; a notice stays small, whatever the attack. */
const maxListed = 20;

/**
 * The notices that a change calls for, in the order of what happened. `before` null: the mitigation is new. What a
 * restart brings back is not a change: give it as `before` and `after` alike.
 */
export function noticesOf(before: Mitigation | null, after: Mitigation, at: UnixMicros): readonly Notice[] {
  const notices: Notice[] = [];
  const add = (event: NoticeEvent, change: NoticeChange | null, mark: string, text: string): void => {
    const id = [after.id, event, ...(change === null ? [] : [change]), ...(mark === '' ? [] : [mark])].join(
      '.',
    );
    notices.push(noticeOf(after, { id, event, change, text, at }));
  };
  const subject = subjectText(after.attack.subject);
  if (before === null) add('attack_began', null, '', beganText(after.attack));
  if (before?.attack.evidence !== 'complete' && after.attack.evidence === 'complete') {
    const vector = after.attack.fingerprint?.vector ?? 'of no known kind';
    add('evidence_complete', null, '', `attack on ${subject}: ${vector}`);
  }
  if (after.heldBack !== null && after.heldBack !== (before?.heldBack ?? null)) {
    const text = `mitigation of ${subject} is held back: ${after.heldBack}`;
    add('mitigation_changed', 'held_back', idPart(after.heldBack), text);
  }
  const held = announced(after);
  if (held > 0 && (before === null || announced(before) < held)) {
    const text = `${subject} is announced: ${held} ${held === 1 ? 'route or rule' : 'routes or rules'}`;
    add('mitigation_changed', 'announced', String(held), text);
  }
  if (after.escalated !== null && (before?.escalated ?? null) === null) {
    add('mitigation_changed', 'escalated', '', `mitigation of ${subject} is escalated: ${after.escalated}`);
  }
  const effect = after.effect;
  const found =
    effect === null || effect.state === 'watching' || effect.state === 'unproven' ? null : effect.state;
  if (effect !== null && found !== null && found !== before?.effect?.state) {
    const seen = effect.seen.length === 0 ? '' : `, still seen at ${effect.seen.length} of its sources`;
    const rest =
      found === 'partial' && effect.remaining !== null
        ? `, ${percent(effect.remaining)} of it still comes`
        : '';
    const text = `mitigation of ${subject} is ${found}${rest}${seen}`;
    add('mitigation_changed', found, String(effect.since), text);
  }
  if (after.state === 'released' && before?.state !== 'released') {
    add('attack_ended', null, '', `attack on ${subject} has ended`);
  }
  return notices;
}

/** How many announcements are confirmed, once none of those that are wanted waits any longer. */
function announced({ state, holdings }: Mitigation): number {
  if (state !== 'wanted') return 0;
  const wanted = holdings.filter((one) => one.state !== 'leaving');
  return wanted.every((one) => one.state === 'held') ? wanted.length : 0;
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** An id is letters, digits and `.-_`, so that it goes into any header. */
const idPart = (text: string): string => text.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 40);

function beganText({ subject, direction, origin, cause }: Attack): string {
  const whom = subjectText(subject);
  if (origin === 'manual') return `${whom} is banned by hand`;
  const why = cause === null ? '' : `: ${cause.metric} ${Math.round(cause.rate)} above ${cause.threshold}`;
  return `${direction} attack on ${whom}${why}`;
}

type Event = Pick<Notice, 'id' | 'event' | 'change' | 'text'> & { readonly at: UnixMicros };

function noticeOf(mitigation: Mitigation, { id, event, change, text, at }: Event): Notice {
  const { attack, effect } = mitigation;
  const { cause } = attack;
  const time = (micros: UnixMicros | null): string | null => (micros === null ? null : rfc3339(micros));
  return {
    version: noticeVersion,
    id,
    event,
    change,
    at: rfc3339(at),
    text,
    attack: {
      id: attack.id,
      subject: subjectText(attack.subject),
      direction: attack.direction,
      hostgroup: attack.hostgroup,
      origin: attack.origin,
      started_at: rfc3339(attack.startedAt),
      ended_at: time(attack.endedAt),
      metric: cause?.metric ?? null,
      rate: cause?.rate ?? null,
      threshold: cause?.threshold ?? null,
      peak_pps: attack.peak.pps,
      peak_bps: attack.peak.bps,
      vector: attack.fingerprint?.vector ?? null,
      returns: attack.returns,
      files: attack.files.slice(0, maxListed),
    },
    mitigation: {
      state: mitigation.state,
      action: mitigation.action,
      since: rfc3339(mitigation.since),
      until: time(mitigation.until),
      comment: mitigation.comment,
      held_back: mitigation.heldBack,
      escalated: mitigation.escalated,
      no_rules: mitigation.noRules,
      effect: effect?.state ?? null,
      remaining: effect?.remaining ?? null,
      unproven: effect?.reason ?? null,
      seen_at: (effect?.seen ?? []).slice(0, maxListed).map(({ source }) => source),
      rules: mitigation.rules.slice(0, maxListed).map(flowspecRuleText),
      announcements: mitigation.holdings.slice(0, maxListed).map(({ speaker, announcement, state }) => ({
        speaker,
        what: announcementKey(announcement),
        state,
      })),
    },
  };
}
