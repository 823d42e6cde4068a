/** Traffic for scenarios that need no interface: sFlow over loopback, as a switch would send it. */
import { realTime } from '../traffic/loopback.js';
import { prepareScenario } from '../traffic/prepare.js';
import { attackPart, backgroundPart, type Part } from '../traffic/scenario.js';
import { usualSflow } from '../traffic/sflow.js';
import { type SendOutcome, sendSflow } from '../traffic/udp-sender.js';

export const networks = ['203.0.113.0/24', '2001:db8::/32'];
const sampling = 200;

const seconds = (value: number): number => Math.round(value * 1e6);

export const flood = (
  host: string,
  pps: number,
  fromSeconds: number,
  forSeconds: number,
  vector = 'udp',
): Part =>
  attackPart({
    name: `flood ${host} ${fromSeconds}`,
    vector,
    targets: [host],
    pps: pps / sampling,
    startMicros: seconds(fromSeconds),
    durationMicros: seconds(forSeconds),
  });

export const usual = (pps: number, forSeconds: number): Part =>
  backgroundPart({ name: 'normal use', pps: pps / sampling, durationMicros: seconds(forSeconds) });

export type Sending = {
  readonly startedMicros: number;
  readonly done: Promise<SendOutcome>;
  readonly stop: () => void;
};

/** Begins to send now; `pps` of a part is what the whole network carries, one in `sampling` of it is sent. */
export function sendFlows(port: number, parts: readonly Part[], seed = 1): Sending {
  const startedMicros = Date.now() * 1000;
  const prepared = prepareScenario({ name: 'chaos', seed, startMicros: startedMicros, networks, parts });
  if (!prepared.ok) throw new Error(prepared.error.detail);
  const abort = new AbortController();
  const options = {
    ...usualSflow,
    agent: Uint8Array.of(127, 0, 0, 1),
    samplingRate: sampling,
    sampled: true,
  };
  const sent = sendSflow(prepared.value, options, { address: '127.0.0.1', port }, realTime, abort.signal);
  return {
    startedMicros,
    done: sent.then((outcome) => {
      if (!outcome.ok) throw new Error(outcome.error.detail);
      return outcome.value;
    }),
    stop: () => abort.abort(),
  };
}

/** What every scenario over sFlow begins with; more YAML can follow. */
export const flowSettings = (port: number, more = ''): string =>
  `networks: [${networks.join(', ')}]
capture: { sflow: [{ listen: "127.0.0.1:${port}" }] }
${more}`;
