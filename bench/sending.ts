/** What is sent over the stage: captures written once by traffic/, sent by a process inside the sender's namespace. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { writeCapture } from '../traffic/pcap.js';
import { prepareScenario } from '../traffic/prepare.js';
import type { Part } from '../traffic/scenario.js';
import { sendPath } from './built.js';
import type { Stage } from './namespace.js';

export type Sent = { readonly sent: number; readonly seconds: number; readonly firstAt: number };

const run = promisify(execFile);
const maxOutput = 1 << 20;

/** Writes a capture of these parts; throws with the reason when they do not fit. */
export function capture(path: string, networks: readonly string[], parts: readonly Part[]): number {
  const prepared = prepareScenario({
    name: 'bench',
    seed: 1,
    startMicros: 1_700_000_000_000_000,
    networks,
    parts,
  });
  if (!prepared.ok) throw new Error(prepared.error.detail);
  const written = writeCapture(path, prepared.value);
  if (!written.ok) throw new Error(written.error.detail);
  return written.value.packets;
}

/** `pps` null: at the capture's own times. */
export async function send(stage: Stage, path: string, pps: number | null, loops = 1): Promise<Sent> {
  const args = ['--interface', stage.sendInterface, '--path', path, '--loops', String(loops)];
  const [command, ...rest] = stage.inside(stage.sender, [
    process.execPath,
    sendPath,
    ...args,
    ...(pps === null ? [] : ['--pps', String(pps)]),
  ]);
  const { stdout } = await run(command, rest, { maxBuffer: maxOutput });
  return JSON.parse(stdout) as Sent;
}
