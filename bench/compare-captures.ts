/**
 * Decodes every capture of flow telemetry in some folders with Tidegate and with other readers, and says where they
 * differ.
 *
 * `node dist/bench/compare-captures.js FOLDER… [--nfcapd] [--json FILE]`. Takes pcap and pcapng files with datagrams of
 * sFlow, NetFlow and IPFIX on any port, files of one bare datagram (.dat, .bin; sequences as the folder's expected.json
 * lists them) and IPFIX message files (.ipfix). tshark must be installed; nfcapd and sfcapd are asked as well when
 * tshark does not agree, or always with --nfcapd. Exit code: 1 when anything differs without a known reason, 2 when
 * nothing could be compared.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareSet, type Row } from './comparison/compare.js';
import { captureSets, type Told } from './comparison/sets.js';
import type { Verdict } from './comparison/verdict.js';

const said = (told: Told | null): string =>
  told === null
    ? '-'
    : [told.datagrams, told.records, told.packets, told.bytes].map((value) => value ?? '·').join(' / ');

const sentence = (verdict: Verdict): string => {
  switch (verdict.kind) {
    case 'equal':
      return `equal (${verdict.to.join(', ')})`;
    case 'known':
      return `equal (${verdict.to.join(', ') || 'by hand'}); ${verdict.why}`;
    case 'unreadable':
      return `${verdict.to.length > 0 ? `equal (${verdict.to.join(', ')}); ` : ''}${verdict.who} cannot read it`;
    case 'differs':
      return `DIFFERS from ${verdict.from.join(' and ')}`;
  }
};

function print(rows: readonly Row[]): void {
  const head = ['file', 'tidegate', 'expected.json', 'tshark', 'nfcapd', 'verdict'];
  const lines = rows.map((row) => [
    row.name,
    said(row.ours),
    said(row.expected),
    said(row.tshark),
    said(row.nfcapd),
    sentence(row.verdict),
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => (line[column] ?? '').length)),
  );
  console.log('datagrams / records / packets / bytes, sampling not undone; ·: the reader has no such count');
  for (const line of [head, ...lines]) {
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
  const count = (kind: Verdict['kind']): number => rows.filter((row) => row.verdict.kind === kind).length;
  console.log(
    `${rows.length} captures: ${count('equal')} equal, ${count('known')} with a known fault of another reader, ` +
      `${count('unreadable')} that another reader cannot read, ${count('differs')} differ`,
  );
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { nfcapd: { type: 'boolean', default: false }, json: { type: 'string' } },
  });
  if (positionals.length === 0) {
    console.error('usage: compare-captures FOLDER… [--nfcapd] [--json FILE]');
    return 2;
  }
  if (spawnSync('tshark', ['--version'], { stdio: 'ignore' }).status !== 0) {
    console.error('cannot compare: tshark is not installed');
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-compare-'));
  const rows: Row[] = [];
  try {
    for (const root of positionals) {
      for (const set of captureSets(root)) {
        const row = await compareSet(set, folder, values.nfcapd);
        if (row !== null) rows.push(row);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (rows.length === 0) {
    console.error('no flow telemetry in there');
    return 2;
  }
  print(rows);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  return rows.some((row) => row.verdict.kind === 'differs') ? 1 : 0;
}

process.exitCode = await main();
