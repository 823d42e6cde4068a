/**
 * What a flow listener has to say of itself: a buffer that the system cut, datagrams that were for another port or from
 * strangers, tables that are full. Pure; a remark is made when its count has grown, counts all of this opening, and is
 * paced by who says it.
 */
import type { FlowFamily, FlowListenerStats, FlowProtocol, StrayProtocol } from '../../domain/flow.js';
import type { LogFields } from '../../domain/ports.js';

export type ListenerRemark = {
  /** Remarks of one kind share a pace. */
  readonly kind: string;
  readonly phrase: string;
  readonly fields: LogFields;
};
export type Listening = {
  readonly family: FlowFamily;
  /** Unknown exporters are not read, not only counted. */
  readonly refusesUnknown: boolean;
};

const familyOf: { readonly [P in FlowProtocol]: FlowFamily } = {
  sflow2: 'sflow',
  sflow4: 'sflow',
  sflow5: 'sflow',
  netflow1: 'netflow',
  netflow5: 'netflow',
  netflow7: 'netflow',
  netflow9: 'netflow',
  ipfix: 'ipfix',
};

/** What a person calls them. */
export const protocolNames: { readonly [P in StrayProtocol | FlowFamily]: string } = {
  sflow: 'sFlow',
  sflow2: 'sFlow v2',
  sflow4: 'sFlow v4',
  sflow5: 'sFlow v5',
  netflow: 'NetFlow',
  netflow1: 'NetFlow v1',
  netflow5: 'NetFlow v5',
  netflow7: 'NetFlow v7',
  netflow9: 'NetFlow v9',
  ipfix: 'IPFIX',
  unknown: 'unknown',
};

/** The largest buffer that any program may have; the kernel books twice what was asked for. */
const bufferLimit = 'net.core.rmem_max';

/** Said once an opening: it does not change while the socket is open. */
export function bufferRemark({
  receiveBuffer,
  receiveBufferAsked,
}: FlowListenerStats): ListenerRemark | null {
  if (receiveBuffer >= receiveBufferAsked) return null;
  return {
    kind: 'buffer',
    phrase: 'receive buffer is smaller than configured, the system caps it',
    fields: {
      asked: receiveBufferAsked,
      granted: receiveBuffer,
      remedy: `sysctl -w ${bufferLimit}=${receiveBufferAsked}, and in /etc/sysctl.d to keep it`,
    },
  };
}

export function listenerRemarks(
  before: FlowListenerStats | null,
  now: FlowListenerStats,
  listening: Listening,
): readonly ListenerRemark[] {
  return [
    ...strayRemarks(before, now, listening),
    ...refusalRemark(before, now, listening),
    ...fullRemarks(before, now),
  ];
}

function strayRemarks(
  before: FlowListenerStats | null,
  now: FlowListenerStats,
  { family }: Listening,
): readonly ListenerRemark[] {
  return now.strays.flatMap(({ protocol, datagrams, lastFrom }): readonly ListenerRemark[] => {
    const known = before?.strays.find((one) => one.protocol === protocol)?.datagrams ?? 0;
    if (datagrams <= known) return [];
    const remedy =
      protocol === 'unknown'
        ? 'have it send elsewhere'
        : `have it send to a listener of capture.${familyOf[protocol]}`;
    return [
      {
        kind: `stray ${protocol}`,
        phrase:
          protocol === 'unknown'
            ? `datagrams that are no flow telemetry on the ${protocolNames[family]} port`
            : `${protocolNames[protocol]} datagrams on the ${protocolNames[family]} port`,
        fields: { from: lastFrom, datagrams, remedy },
      },
    ];
  });
}

function refusalRemark(
  before: FlowListenerStats | null,
  now: FlowListenerStats,
  { refusesUnknown }: Listening,
): readonly ListenerRemark[] {
  const { refused: datagrams } = now;
  if (datagrams <= (before?.refused ?? 0)) return [];
  return [
    {
      kind: 'refused',
      phrase: refusesUnknown
        ? 'datagrams of exporters that are not allowed, refused'
        : 'datagrams of exporters that are not in the list, read all the same',
      fields: { from: now.lastRefused, datagrams, remedy: 'list it in capture.exporters.allow, or stop it' },
    },
  ];
}

function fullRemarks(before: FlowListenerStats | null, now: FlowListenerStats): readonly ListenerRemark[] {
  const grown = (counter: 'exportersRefused' | 'heldRefused'): boolean =>
    now[counter] > (before?.[counter] ?? 0);
  const full = now.templates >= now.templatesBound && (before?.templates ?? 0) < now.templatesBound;
  return [
    ...(grown('exportersRefused')
      ? [
          {
            kind: 'exporters',
            phrase: 'more exporters than are kept apart',
            fields: { refused: now.exportersRefused, remedy: 'raise max_exporters of this listener' },
          },
        ]
      : []),
    ...(grown('heldRefused')
      ? [
          {
            kind: 'held',
            phrase: 'more long flows than can be spread, the rest counts at once',
            fields: {
              refused: now.heldRefused,
              bound: now.heldBound,
              remedy: 'raise max_held of this listener, or lower the active timeout of its exporters',
            },
          },
        ]
      : []),
    ...(full
      ? [
          {
            kind: 'templates',
            phrase: 'template table is full',
            fields: { bound: now.templatesBound, remedy: 'raise max_templates of this listener' },
          },
        ]
      : []),
  ];
}
