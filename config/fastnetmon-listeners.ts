/** The flow listeners of a fastnetmon.conf: one for each port of `sflow_port` and `netflow_port`. */
import { formatAddress, parseAddress } from '../domain/address.js';
import { defaultListener } from './defaults.js';
import type { OptionReader } from './fastnetmon-reader.js';
import type { PlannedListener } from './plan.js';
import { quoted } from './quantities.js';

const usualPort = { sflow: 6343, netflow: 2055 } as const;
const maxSampling = 2 ** 31;

export type FastnetmonFlow = {
  readonly listeners: readonly PlannedListener[];
  readonly samplingFallback: number | null;
};

export function flowOf(options: OptionReader): FastnetmonFlow {
  const netflow = options.boolean('netflow', false);
  const ratio = options.integer('netflow_sampling_ratio', 1, 1, maxSampling);
  const lengthFromIp = options.boolean('sflow_read_packet_length_from_ip_header', false);
  if (netflow) {
    options.tell(
      'note',
      'netflow',
      'the packets of a flow are counted over its own time, where FastNetMon counts them all when the record comes',
      'nothing is to be done; spread: false in a YAML file counts as FastNetMon does',
    );
  }
  return {
    listeners: [
      ...(options.boolean('sflow', false)
        ? listenersOf('sflow', options).map((one) => ({ ...one, lengthFromIp }))
        : []),
      ...(netflow ? listenersOf('netflow', options) : []),
    ],
    // 1 stands in every stock file and states nothing: a record stands for itself anyway.
    samplingFallback: netflow && ratio > 1 ? ratio : null,
  };
}

function listenersOf(family: 'sflow' | 'netflow', options: OptionReader): readonly PlannedListener[] {
  const [hostOption, portOption] = [`${family}_host`, `${family}_port`];
  const host = options.text(hostOption, '0.0.0.0');
  const address = parseAddress(host);
  if (address === null) {
    options.tell(
      'error',
      hostOption,
      `${quoted(host)} is not an address`,
      'write 0.0.0.0, :: for both families, or an address of this machine',
    );
    return [];
  }
  const ports = options.list(portOption);
  if (ports.length === 0) {
    options.tell(
      'error',
      options.has(portOption) ? portOption : family,
      `${family} is on and no port is set`,
      `write ${portOption} = ${usualPort[family]}`,
    );
  }
  return ports.flatMap((text) => {
    const port = Number(text);
    if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) {
      return [defaultListener(family, formatAddress(address), port)];
    }
    options.tell('error', portOption, `${quoted(text)} is not a port`, 'a port is a number from 1 to 65535');
    return [];
  });
}
