/**
 * Everything before the IP header: Ethernet, VLAN tags and MPLS labels, built once and copied into each frame.
 *
 *   plain      Ethernet II
 *   vlan       one 802.1Q tag, 0x8100
 *   qinq       802.1ad: 0x88a8, then 0x8100
 *   qinq_9100  the older stacking: 0x9100, then 0x8100
 *   mpls       0x8847 and one to three labels (RFC 3032)
 *   vlan_mpls  one 802.1Q tag, then labels
 */
import type { Random } from '../random.js';

export const encapsulations = ['plain', 'vlan', 'qinq', 'qinq_9100', 'mpls', 'vlan_mpls'] as const;
export type Encapsulation = (typeof encapsulations)[number];

/** The header for either family. */
export type Link = {
  readonly encapsulation: Encapsulation;
  readonly ipv4: Uint8Array;
  readonly ipv6: Uint8Array;
};

/** The longest link header: Ethernet, one tag, three labels. */
export const maxLinkBytes = 14 + 4 + 3 * 4;

/** From the block for documentation (RFC 9542 section 2.1.2). */
const routerMac = [0x00, 0x00, 0x5e, 0x00, 0x53, 0x01];
const neighbourMac = [0x00, 0x00, 0x5e, 0x00, 0x53, 0x02];
const firstUsableLabel = 16;

const word = (value: number): number[] => [value >>> 8, value & 0xff];

/** Tag ids and labels are drawn from `random`. */
export function buildLink(encapsulation: Encapsulation, random: Random): Link {
  const tag = (etherType: number): number[] => [...word(etherType), ...word(random.between(1, 4094))];
  const before: number[] = [...routerMac, ...neighbourMac];
  if (encapsulation === 'vlan' || encapsulation === 'vlan_mpls') before.push(...tag(0x8100));
  if (encapsulation === 'qinq') before.push(...tag(0x88a8), ...tag(0x8100));
  if (encapsulation === 'qinq_9100') before.push(...tag(0x9100), ...tag(0x8100));
  if (encapsulation === 'mpls' || encapsulation === 'vlan_mpls') {
    const frame = Uint8Array.from([...before, ...word(0x8847), ...labelStack(random)]);
    return { encapsulation, ipv4: frame, ipv6: frame };
  }
  return {
    encapsulation,
    ipv4: Uint8Array.from([...before, ...word(0x0800)]),
    ipv6: Uint8Array.from([...before, ...word(0x86dd)]),
  };
}

function labelStack(random: Random): number[] {
  const depth = random.between(1, 3);
  const stack: number[] = [];
  for (let index = 1; index <= depth; index++) {
    const label = random.between(firstUsableLabel, 2 ** 20 - 1);
    const bottom = index === depth ? 1 : 0;
    stack.push(label >>> 12, (label >>> 4) & 0xff, ((label & 0xf) << 4) | bottom, 62);
  }
  return stack;
}
