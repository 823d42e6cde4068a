/** Fingerprints of real attacks, from captures that lie beside the repository; skipped by name where they do not. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'vitest';
import type { SampledPacket } from '../../domain/attack.js';
import { aPacket } from '../../domain/rehearsal.js';
import { fingerprint } from './fingerprint.js';

const folder = new URL('../../../shared/captures/packet-captures/', import.meta.url);

/** Frames of a classic capture or of the enhanced packet blocks of a pcapng one, little-endian both. */
function framesOf(file: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  if (file.readUInt32LE(0) === 0x0a0d0d0a) {
    for (let at = 0; at + 12 <= file.length; at += file.readUInt32LE(at + 4)) {
      if (file.readUInt32LE(at) === 6)
        frames.push(file.subarray(at + 28, at + 28 + file.readUInt32LE(at + 20)));
    }
    return frames;
  }
  for (let at = 24; at + 16 <= file.length; at += 16 + file.readUInt32LE(at + 8)) {
    frames.push(file.subarray(at + 16, at + 16 + file.readUInt32LE(at + 8)));
  }
  return frames;
}

/** Ethernet, IPv4 without options that matter here, first 8 bytes of the next layer. */
function packetOf(frame: Buffer): SampledPacket | null {
  if (frame.length < 34 || frame.readUInt16BE(12) !== 0x0800) return null;
  const ip = frame.subarray(14);
  const l4 = ip.subarray(((ip[0] ?? 0) & 15) * 4);
  const fragmentBits = ip.readUInt16BE(6) & 0x3fff;
  const protocol = ip[9] ?? 0;
  const hasPorts = (protocol === 6 || protocol === 17) && (fragmentBits & 0x1fff) === 0 && l4.length >= 4;
  return aPacket({
    protocol,
    source: ip.subarray(12, 16).join('.'),
    destination: ip.subarray(16, 20).join('.'),
    sourcePort: hasPorts ? l4.readUInt16BE(0) : 0,
    destinationPort: hasPorts ? l4.readUInt16BE(2) : 0,
    tcpFlags: protocol === 6 && l4.length >= 14 ? (l4[13] ?? 0) : 0,
    fragment: fragmentBits !== 0,
    firstFragment: fragmentBits === 0x2000,
    ipLength: ip.readUInt16BE(2),
    wireLength: frame.length,
    bytes: frame,
  });
}

/** Packets to the host that gets most. */
function attackIn(name: string): SampledPacket[] {
  const packets = framesOf(readFileSync(new URL(name, folder))).flatMap((frame) => packetOf(frame) ?? []);
  const hits = new Map<string, number>();
  for (const { destination } of packets) hits.set(destination, (hits.get(destination) ?? 0) + 1);
  const [target] = [...hits].sort((a, b) => b[1] - a[1])[0] ?? [];
  return packets.filter(({ destination }) => destination === target);
}

const attacks = [
  { file: 'amp.TCP.reflection.SYNACK.pcap', vector: 'tcp_reflection' },
  { file: 'amp.UDP.snmp.src161.pcapng', vector: 'snmp_amplification' },
  { file: 'amp.UDP.isakmp.pcap', vector: 'isakmp_amplification' },
  { file: 'pkt.TCP.DOMINATE.syn.ecn.cwr.pcapng', vector: 'syn_flood' },
];
for (const { file, vector } of attacks) {
  test.skipIf(!existsSync(new URL(file, folder)))(
    `${file}: 19 of 20 runs of a hundred packets show ${vector}`,
    () => {
      const packets = attackIn(file);
      assert.ok(packets.length >= 1000, `${packets.length} packets`);
      const names: string[] = [];
      for (let at = 0; at + 100 <= packets.length; at += 100) {
        names.push(fingerprint(packets.slice(at, at + 100), 'incoming', 0).vector);
      }
      const others = names.filter((name) => name !== vector);
      assert.ok(others.length <= names.length / 20, `${names.length} runs, of these ${others}`);
    },
  );
}
