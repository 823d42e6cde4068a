import assert from 'node:assert/strict';
import { afterAll, beforeAll, test } from 'vitest';
import { emptyRule } from '../../domain/flowspec.js';
import { anAttack, aPacket, ratesOf } from '../../domain/rehearsal.js';
import { quietRates } from '../../domain/traffic.js';
import type { HostKey, PrefixKey } from '../../domain/units.js';
import type { Compiled } from './flowspec/compile.js';
import { jsonReport } from './json-report.js';
import { captureFile } from './pcap.js';
import { attackPower, banReport, detailsReport, evidenceName, packetLine } from './report.js';

const zone = process.env.TZ;
beforeAll(() => {
  process.env.TZ = 'UTC';
});
afterAll(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

const golden = `IP: 192.0.2.7
Attack type: udp_flood
Initial attack power: 41250 packets per second
Peak attack power: 41250 packets per second
Attack direction: incoming
Attack protocol: udp
Total incoming traffic: 462 mbps
Total outgoing traffic: 0 mbps
Total incoming pps: 41250 packets per second
Total outgoing pps: 12 packets per second
Total incoming flows: 310 flows per second
Total outgoing flows: 0 flows per second
Average incoming traffic: 462 mbps
Average outgoing traffic: 0 mbps
Average incoming pps: 41250 packets per second
Average outgoing pps: 12 packets per second
Average incoming flows: 310 flows per second
Average outgoing flows: 0 flows per second
Incoming ip fragmented traffic: 0 mbps
Outgoing ip fragmented traffic: 0 mbps
Incoming ip fragmented pps: 0 packets per second
Outgoing ip fragmented pps: 0 packets per second
Incoming tcp traffic: 0 mbps
Outgoing tcp traffic: 0 mbps
Incoming tcp pps: 0 packets per second
Outgoing tcp pps: 12 packets per second
Incoming syn tcp traffic: 0 mbps
Outgoing syn tcp traffic: 0 mbps
Incoming syn tcp pps: 0 packets per second
Outgoing syn tcp pps: 0 packets per second
Incoming udp traffic: 462 mbps
Outgoing udp traffic: 0 mbps
Incoming udp pps: 41250 packets per second
Outgoing udp pps: 0 packets per second
Incoming icmp traffic: 0 mbps
Outgoing icmp traffic: 0 mbps
Incoming icmp pps: 0 packets per second
Outgoing icmp pps: 0 packets per second

Average packet size for incoming traffic: 1400.0 bytes 
Average packet size for outgoing traffic: 52.1 bytes 
`;

test('the report at ban is as FastNetMon 1.2.4 writes it', () => assert.equal(banReport(anAttack()), golden));

test('what a sampled rate rests on stands behind all that FastNetMon writes', () => {
  const cause = { scope: 'host', metric: 'mbps', rate: 462, threshold: 100, samples: 412 } as const;
  const bounded = anAttack({ cause: { ...cause, interval: { low: 418.62, high: 508.1 } } });
  assert.equal(
    banReport(bounded),
    `${golden}Sampling: mbps 462 estimated from 412 sampled packets, true rate 418 to 508\n`,
  );
  const flows = anAttack({ cause: { ...cause, metric: 'flows', rate: 60.5, interval: null } });
  assert.equal(banReport(flows), `${golden}Sampling: flows 60.5 estimated from 412 sampled packets\n`);
});

const ruled: Compiled = {
  rules: [
    {
      ...emptyRule(4),
      destination: '192.0.2.7/32' as PrefixKey,
      protocols: [17],
      sourcePorts: [{ low: 53, high: 53 }],
    },
  ],
  coverage: 0.9667,
  collateral: 0.0125,
  each: [{ coverage: 0.9667, collateral: 0.0125 }],
  attackPackets: 90,
  normalPackets: 80,
  reason: null,
};

test('attack_details says the rules, what they cover and what they hit', () => {
  assert.equal(
    detailsReport(anAttack(), [], ruled),
    `${golden}Flowspec rules: 1 cover 96.7 % of 90 attack packets, hit 1.3 % of 80 normal packets\n` +
      'Flowspec rule: destination 192.0.2.7/32 protocol 17 source-port 53\n\n\n',
  );
  const unknown = detailsReport(anAttack(), [], { ...ruled, collateral: null, normalPackets: 0 });
  assert.match(unknown, /1 cover 96\.7 % of 90 attack packets, no normal packets are known\n/);
  const none = detailsReport(anAttack(), [], { ...ruled, rules: [], reason: 'nothing was seen' });
  assert.equal(none, `${golden}Flowspec rules: none, nothing was seen\n\n\n`);
});

test('the JSON report has each rule with what it does alone', () => {
  assert.deepEqual(jsonReport(anAttack(), [], null, ruled).flowspec, {
    rules: [
      { text: 'destination 192.0.2.7/32 protocol 17 source-port 53', coverage: 0.9667, collateral: 0.0125 },
    ],
    coverage: 0.9667,
    collateral: 0.0125,
    attack_packets: 90,
    normal_packets: 80,
    reason: null,
  });
  assert.equal(jsonReport(anAttack(), [], null, null).flowspec, null);
});

test('attack_details: the report, two blank lines, the packets', () => {
  const syn = aPacket({ protocol: 6, tcpFlags: 0x12, sourcePort: 443, wireLength: 60, sampling: 100 });
  assert.equal(
    detailsReport(anAttack(), [aPacket(), syn], null),
    `${golden}\n\n` +
      '2026-11-23 00:39:40.000000 198.51.100.9:53 > 192.0.2.7:4444 protocol: udp frag: 0  packets: 1 size: 1400 bytes ttl: 57 sample ratio: 1  \n' +
      '2026-11-23 00:39:40.000000 198.51.100.9:443 > 192.0.2.7:4444 protocol: tcp flags: syn,ack frag: 0  packets: 1 size: 60 bytes ttl: 57 sample ratio: 100  \n',
  );
});

/** Written by FastNetMon 1.2.4 itself, to the script, for a flood between two interfaces; one packet of the five kept. */
const observed = `IP: 10.77.0.2
Attack type: udp_flood
Initial attack power: 101 packets per second
Peak attack power: 101 packets per second
Attack direction: incoming
Attack protocol: udp
Total incoming traffic: 0 mbps
Total outgoing traffic: 0 mbps
Total incoming pps: 101 packets per second
Total outgoing pps: 13 packets per second
Total incoming flows: 13 flows per second
Total outgoing flows: 12 flows per second
Average incoming traffic: 0 mbps
Average outgoing traffic: 0 mbps
Average incoming pps: 101 packets per second
Average outgoing pps: 13 packets per second
Average incoming flows: 13 flows per second
Average outgoing flows: 12 flows per second
Incoming ip fragmented traffic: 0 mbps
Outgoing ip fragmented traffic: 0 mbps
Incoming ip fragmented pps: 0 packets per second
Outgoing ip fragmented pps: 0 packets per second
Incoming tcp traffic: 0 mbps
Outgoing tcp traffic: 0 mbps
Incoming tcp pps: 9 packets per second
Outgoing tcp pps: 9 packets per second
Incoming syn tcp traffic: 0 mbps
Outgoing syn tcp traffic: 0 mbps
Incoming syn tcp pps: 9 packets per second
Outgoing syn tcp pps: 0 packets per second
Incoming udp traffic: 0 mbps
Outgoing udp traffic: 0 mbps
Incoming udp pps: 92 packets per second
Outgoing udp pps: 0 packets per second
Incoming icmp traffic: 0 mbps
Outgoing icmp traffic: 0 mbps
Incoming icmp pps: 0 packets per second
Outgoing icmp pps: 3 packets per second

Average packet size for incoming traffic: 411.7 bytes 
Average packet size for outgoing traffic: 176.8 bytes 


2026-11-23 02:41:57.197127 10.77.0.1:5353 > 10.77.0.2:4444 protocol: udp frag: 0  packets: 1 size: 443 bytes ttl: 64 sample ratio: 1  
`;

test('the same attack reads as FastNetMon 1.2.4 has written it, byte for byte', () => {
  const incoming = ratesOf({
    total: { pps: 101.2, bps: 411.7 * 8 * 101.2 },
    tcp: { pps: 9.1, bps: 9 * 74 * 8 },
    tcp_syn: { pps: 9.1, bps: 9 * 74 * 8 },
    udp: { pps: 92.1, bps: 92 * 443 * 8 },
    flows: 13.4,
  });
  const outgoing = ratesOf({
    total: { pps: 13.6, bps: 176.8 * 8 * 13.6 },
    tcp: { pps: 9.3, bps: 9 * 54 * 8 },
    icmp: { pps: 3.9, bps: 3 * 471 * 8 },
    flows: 12.2,
  });
  const attack = anAttack({
    subject: { kind: 'host', host: '10.77.0.2' as HostKey },
    ratesAtStart: { incoming, outgoing },
    peak: { pps: 101.2, bps: 0 },
  });
  const packet = aPacket({
    at: Date.UTC(2026, 10, 23, 2, 41, 57) * 1000 + 197_127,
    source: '10.77.0.1',
    destination: '10.77.0.2',
    sourcePort: 5353,
    ttl: 64,
    wireLength: 443,
  });
  assert.equal(detailsReport(attack, [packet], null), observed);
});

test('a TCP packet without flags says so with a dash', () => {
  assert.match(packetLine(aPacket({ protocol: 6, tcpFlags: 0 })), / protocol: tcp flags: - frag: 0 /);
});

test('an IPv6 attack shows its address', () => {
  const attack = anAttack({ subject: { kind: 'host', host: '2001:db8::7' as HostKey } });
  assert.match(banReport(attack), /^IP: 2001:db8::7\n/);
  assert.equal(evidenceName(attack), '2001:db8::7_23_11_26_00:39:40');
});

test("a prefix's file has no slash in its name", () => {
  const attack = anAttack({ subject: { kind: 'prefix', prefix: '192.0.2.0/24' as PrefixKey } });
  assert.equal(evidenceName(attack), '192.0.2.0_24_23_11_26_00:39:40');
});

test('mbps are whole and rounded down', () => {
  const incoming = ratesOf({ total: { pps: 1, bps: 1_000_999_999 } });
  assert.match(
    banReport(anAttack({ ratesAtStart: { incoming, outgoing: quietRates } })),
    /incoming traffic: 1000 mbps/,
  );
});

const types = [
  { claim: 'SYNs above nine tenths', change: { tcp_syn: { pps: 91, bps: 0 } }, type: 'syn_flood' },
  { claim: 'SYNs at nine tenths are not enough', change: { tcp_syn: { pps: 90, bps: 0 } }, type: 'unknown' },
  { claim: 'ICMP', change: { icmp: { pps: 99, bps: 0 } }, type: 'icmp_flood' },
  {
    claim: 'fragments before UDP',
    change: { fragment: { pps: 99, bps: 0 }, udp: { pps: 99, bps: 0 } },
    type: 'ip_fragmentation',
  },
] as const;
for (const row of types) {
  test(`attack type: ${row.claim}: ${row.type}`, () => {
    const incoming = ratesOf({ total: { pps: 100, bps: 0 }, ...row.change });
    const attack = anAttack({ ratesAtStart: { incoming, outgoing: quietRates } });
    assert.match(banReport(attack), new RegExp(`\nAttack type: ${row.type}\n`));
  });
}

test('the power of a ban by hand is 0, of an outgoing attack that of its direction', () => {
  assert.equal(attackPower(anAttack({ origin: 'manual', direction: 'other' })), 0);
  assert.equal(attackPower(anAttack({ direction: 'outgoing' })), 12);
  assert.equal(attackPower(anAttack()), 41_250);
});

test('a capture file keeps times and both lengths, and counts what it leaves out', () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, index) => index);
  const capture = captureFile([aPacket({ bytes, at: 1_795_394_380_123_456 }), aPacket(), aPacket({ bytes })]);
  assert.deepEqual([capture.packets, capture.leftOut], [2, 1]);
  const view = new DataView(capture.bytes.buffer);
  assert.equal(capture.bytes.length, 24 + 2 * (16 + 64));
  assert.equal(view.getUint32(0, true), 0xa1b2c3d4);
  assert.equal(view.getUint32(20, true), 1);
  assert.deepEqual(
    [24, 28, 32, 36].map((offset) => view.getUint32(offset, true)),
    [1_795_394_380, 123_456, 64, 1400],
  );
  assert.deepEqual(capture.bytes.subarray(40, 104), bytes);
});

test('the JSON report says what its numbers rest on', () => {
  const packets = [
    aPacket({ at: anAttack().startedAt - 5 }),
    aPacket({ sampling: 512 }),
    aPacket({ direction: 'outgoing' }),
  ];
  const report = jsonReport(anAttack(), packets, captureFile(packets), null);
  assert.deepEqual(report.evidence, {
    from: '2026-11-23T00:39:39.999995Z',
    to: '2026-11-23T00:39:40.000000Z',
    samples: 3,
    samples_before_decision: 1,
    samples_other_direction: 1,
    sampling: { min: 1, max: 512 },
    pcap: { packets: 0, left_out: 3 },
  });
  assert.equal(report.attack.subject, '192.0.2.7');
  assert.equal(report.packets.length, 3);
  assert.equal(JSON.parse(JSON.stringify(report)).format, 'tidegate-attack/1');
});

test('an attack that came back says how often', () => {
  assert.ok(banReport(anAttack({ returns: 1 })).endsWith('\nReturned: 1 time after a release\n'));
  assert.ok(banReport(anAttack({ returns: 3 })).endsWith('\nReturned: 3 times after a release\n'));
  assert.ok(!banReport(anAttack()).includes('Returned'));
});
