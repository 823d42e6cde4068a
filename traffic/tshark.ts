/**
 * tshark as a third reading of captures, for tests. Absent: `hasTshark` is false, and tests skip by name.
 */
import { execFileSync, spawnSync } from 'node:child_process';

export const hasTshark: boolean = spawnSync('tshark', ['--version'], { stdio: 'ignore' }).status === 0;

const verifyChecksums = ['ip', 'tcp', 'udp'].flatMap((name) => ['-o', `${name}.check_checksum:TRUE`]);
const maxOutputBytes = 1 << 28;

/** The fields of each frame that matches `filter`, one list a frame. */
export function sharkFields(
  path: string,
  filter: string,
  fields: readonly string[],
  more: readonly string[] = [],
): string[][] {
  const wanted = fields.flatMap((field) => ['-e', field]);
  const filtered = filter === '' ? [] : ['-Y', filter];
  const output = execFileSync(
    'tshark',
    ['-n', '-r', path, ...verifyChecksums, ...more, ...filtered, '-T', 'fields', ...wanted],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: maxOutputBytes },
  );
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

/** Frames that cannot be right: malformed, or with an expert error. */
export const sharkFaults = (path: string, more: readonly string[] = []): string[][] =>
  sharkFields(
    path,
    '_ws.malformed or _ws.expert.severity >= "Error"',
    ['frame.number', '_ws.col.Protocol', '_ws.expert.message'],
    more,
  );

/** Payloads that are random bytes are read as nothing more than that. */
export const payloadsAsData: readonly string[] = [
  '--disable-protocol',
  'ax4000', // claims an unassigned IP protocol

  '-d',
  'udp.port==1-65535,data',
  '-d',
  'tcp.port==1-65535,data',
];
