import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRandom } from '../random.js';
import { datagramChecksumRight, type ReadPacket, readPacket } from '../reading.js';
import { composeFrame, datagramLength, minFrameBytes } from './compose.js';
import { cut, mtuBytes } from './fragmenter.js';
import { extensions, inOrder } from './ip.js';
import { buildLink, type Encapsulation, encapsulations } from './link.js';
import { newPacket, type Packet, protocols } from './packet.js';
import { payloadOf } from './payload.js';

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const words = (most: number): fc.Arbitrary<Uint8Array> =>
  fc.integer({ min: 0, max: most }).chain((count) => bytes(count * 4));

/** Any packet the builder can be asked for. */
const packets: fc.Arbitrary<Packet> = fc
  .record({
    encapsulation: fc.constantFrom(...encapsulations),
    seed: fc.nat(),
    isIpv6: fc.boolean(),
    protocol: fc.constantFrom(...Object.values(protocols), 200),
    ipOptions: words(10),
    tcpOptions: words(10),
    extensions: fc.subarray([...extensions]),
    payload: fc.uint8Array({ maxLength: 9000 }),
    headWords: fc.integer({ min: 0, max: 4 }),
    dontFragment: fc.boolean(),
    identification: fc.nat(),
  })
  .map((drawn) => {
    const random = createRandom(drawn.seed);
    const packet = newPacket(buildLink(drawn.encapsulation, random));
    const size = drawn.isIpv6 ? 16 : 4;
    packet.source = random.fill(new Uint8Array(size));
    packet.destination = random.fill(new Uint8Array(size));
    packet.protocol = drawn.protocol === 1 && drawn.isIpv6 ? protocols.icmpv6 : drawn.protocol;
    packet.ipOptions = drawn.ipOptions;
    packet.tcpOptions = drawn.tcpOptions;
    packet.extensions = drawn.isIpv6 ? inOrder(drawn.extensions) : [];
    packet.payload = payloadOf(drawn.payload);
    const at = Math.min(random.below(8) * 2, drawn.payload.length & ~1);
    packet.payloadAt = at;
    packet.payloadLength = drawn.payload.length - at;
    if (packet.protocol !== protocols.gre && packet.protocol !== protocols.esp && packet.protocol !== 200) {
      packet.head = random.fill(new Uint8Array(Math.min(drawn.headWords * 2, packet.payloadLength & ~1)));
    }
    packet.dontFragment = drawn.dontFragment;
    packet.identification = drawn.identification;
    packet.sequence = random.u32();
    packet.acknowledgement = random.u32();
    packet.flags = random.below(64);
    packet.sourcePort = random.below(65_536);
    packet.destinationPort = random.below(65_536);
    packet.icmpRest = random.u32();
    return packet;
  });

const out = new Uint8Array(70_000);

const check = (packet: Packet, read: ReadPacket): void => {
  expect(read.version).toBe(packet.source.length === 4 ? 4 : 6);
  expect([...read.source]).toEqual([...packet.source]);
  expect([...read.destination]).toEqual([...packet.destination]);
  expect(read.headerChecksumRight).toBe(true);
};

test('a frame says of itself what it is: lengths, protocol, addresses, checksums', () => {
  fc.assert(
    fc.property(packets, fc.integer({ min: 0, max: 100 }), (packet, start) => {
      out.fill(0xaa);
      const end = composeFrame(out, start, packet);
      const read = readPacket(out.slice(start, end));
      check(packet, read);
      expect(read.protocol).toBe(packet.protocol);
      expect(read.body.length).toBe(datagramLength(packet));
      expect(end - start).toBe(Math.max(minFrameBytes, read.ipHeaderAt + read.ipLength));
      expect(datagramChecksumRight(read, read.body)).not.toBe(false);
      if (packet.protocol === protocols.udp)
        expect((read.body[4] ?? 0) * 256 + (read.body[5] ?? 0)).toBe(read.body.length);
      expect(out[end]).toBe(0xaa);
    }),
    { numRuns: 400 },
  );
});

test('fragments fit the MTU and put together again they are the datagram', () => {
  const whole = packets.filter(
    (packet) => !packet.extensions.some((one) => one === 'ah' || one === 'atomic_fragment'),
  );
  fc.assert(
    fc.property(whole, (packet) => {
      const put = new Uint8Array(datagramLength(packet));
      let filled = 0;
      let offset = 0;
      let last: ReadPacket | null = null;
      do {
        offset = cut(packet, offset);
        const end = composeFrame(out, 0, packet);
        const read = readPacket(out.slice(0, end));
        check(packet, read);
        expect(read.ipLength).toBeLessThanOrEqual(mtuBytes);
        expect(read.fragment?.more ?? false).toBe(offset !== 0);
        expect(read.fragment?.offset ?? 0).toBe(filled);
        put.set(read.body, filled);
        filled += read.body.length;
        last = read;
      } while (offset !== 0);
      expect(filled).toBe(put.length);
      expect(datagramChecksumRight({ ...last, protocol: packet.protocol }, put)).not.toBe(false);
    }),
    { numRuns: 300 },
  );
});

const stacks: Record<Encapsulation, { tags: number[]; labelled: boolean }> = {
  plain: { tags: [], labelled: false },
  vlan: { tags: [0x8100], labelled: false },
  qinq: { tags: [0x88a8, 0x8100], labelled: false },
  qinq_9100: { tags: [0x9100, 0x8100], labelled: false },
  mpls: { tags: [], labelled: true },
  vlan_mpls: { tags: [0x8100], labelled: true },
};
for (const encapsulation of encapsulations) {
  test(`${encapsulation} has the tags and labels of its kind`, () => {
    for (let seed = 0; seed < 20; seed++) {
      const packet = newPacket(buildLink(encapsulation, createRandom(seed)));
      const read = readPacket(out.slice(0, composeFrame(out, 0, packet)));
      expect(read.tags).toEqual(stacks[encapsulation].tags);
      expect(read.labels > 0).toBe(stacks[encapsulation].labelled);
    }
  });
}

test('each extension header is in the chain, in order', () => {
  const packet = newPacket(buildLink('plain', createRandom(1)));
  packet.source = new Uint8Array(16);
  packet.destination = new Uint8Array(16);
  packet.extensions = inOrder(['ah', 'routing', 'hop_by_hop', 'atomic_fragment', 'destination']);
  const read = readPacket(out.slice(0, composeFrame(out, 0, packet)));
  expect(read.extensionHeaders).toEqual([0, 60, 43, 44, 51]);
  expect(read.protocol).toBe(protocols.udp);
});

test('AH on a fragment is refused', () => {
  const packet = newPacket(buildLink('plain', createRandom(1)));
  packet.source = new Uint8Array(16);
  packet.destination = new Uint8Array(16);
  packet.extensions = ['ah'];
  packet.payload = payloadOf(new Uint8Array(4000));
  packet.payloadLength = 4000;
  cut(packet, 0);
  expect(() => composeFrame(out, 0, packet)).toThrow(RangeError);
});
