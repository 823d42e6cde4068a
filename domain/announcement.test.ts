import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import { type Announcement, announcementKey, sameAnnouncement, sameAttributes } from './announcement.js';
import { emptyRule, type FlowspecAction, type FlowspecRule } from './flowspec.js';
import type { HostKey, PrefixKey } from './units.js';

const few = fc.integer({ min: 1, max: 2 });
const communities = fc.record({
  standard: fc.array(fc.tuple(few, few), { maxLength: 2 }),
  large: fc.array(fc.tuple(few, few, few), { maxLength: 2 }),
  extended: fc.array(fc.constantFrom('0002fde900000064', '0002fde900000065'), { maxLength: 2 }),
});
const action = fc.oneof(
  fc.constant<FlowspecAction>({ kind: 'discard' }),
  fc.record({ kind: fc.constant('rate_limit' as const), bytesPerSecond: few }),
  fc.record({ kind: fc.constant('redirect' as const), asn: few, value: few }),
  fc.record({ kind: fc.constant('mark' as const), dscp: few }),
);
const announcement: fc.Arbitrary<Announcement> = fc.oneof(
  fc.record({
    kind: fc.constant('unicast' as const),
    prefix: fc.constant('192.0.2.7/32' as PrefixKey),
    nextHop: fc.constantFrom('192.0.2.1' as HostKey, '192.0.2.2' as HostKey),
    communities,
  }),
  fc.record({
    kind: fc.constant('flowspec' as const),
    rule: fc.constant<FlowspecRule>({
      ...emptyRule(4),
      destination: '192.0.2.7/32' as PrefixKey,
      protocols: [17],
    }),
    action,
    communities,
  }),
);

test('attributes are the same exactly when the texts are, for announcements of one key', () => {
  fc.assert(
    fc.property(announcement, announcement, (a, b) => {
      const same = announcementKey(a) === announcementKey(b) && sameAttributes(a, b);
      assert.equal(same, sameAnnouncement(a, b));
      assert.ok(sameAttributes(a, structuredClone(a)));
    }),
    { numRuns: 3000 },
  );
});
