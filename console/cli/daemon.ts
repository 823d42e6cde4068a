/** The commands that ask a running daemon, over the control socket in its state directory. */
import { join } from 'node:path';
import type { ControlAnswer, ControlRequest } from '../../actors/control/messages.js';
import { ask } from '../api/client.js';
import { CommandFailure, failed } from './exit.js';

export const defaultStateDir = '/var/lib/tidegate';
const answerLimitMs = 5_000;
/** Beside the listening itself: its questions before and after, and counts to settle. */
const doctorLimitMs = 10_000;

/** --state-dir, else TIDEGATE_STATE_DIR, else the default. */
export function socketPath(stateDir: string | undefined, env: NodeJS.ProcessEnv): string {
  // an empty variable is an unset one, as everywhere
  return join(stateDir ?? (env.TIDEGATE_STATE_DIR || defaultStateDir), 'control.sock');
}

const limitOf = (request: ControlRequest): number =>
  request.kind === 'doctor' ? doctorLimitMs + request.listenMs : answerLimitMs;

type AnswerOf<K extends ControlAnswer['kind']> = Extract<ControlAnswer, { readonly kind: K }>;

/** The daemon's answer of the kind that `request` calls for; throws CommandFailure with what the daemon said. */
export async function askFor<K extends ControlAnswer['kind']>(
  kind: K,
  request: ControlRequest,
  path: string,
): Promise<AnswerOf<K>> {
  const answer = await ask(path, request, limitOf(request));
  if (!answer.ok) throw failed(answer.error);
  if (answer.value.kind !== kind)
    throw new CommandFailure(`the daemon answered '${answer.value.kind}' to '${request.kind}'`);
  return answer.value as AnswerOf<K>;
}
