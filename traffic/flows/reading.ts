/**
 * A second, slow and obvious reading of NetFlow v1, v5, v7, v9 and IPFIX. Nothing here is shared with what writes
 * them, so that tests can hold the one against the other. What is not as it must be throws RangeError.
 */

export type ReadRecord = {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly packets: number;
  readonly bytes: number;
  /** Unix milliseconds. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly sampler: number | undefined;
  readonly sampling: number | undefined;
  readonly end: number | undefined;
};
export type ReadDatagram = {
  readonly version: number;
  readonly sequence: number | null;
  readonly exportMs: number;
  /** The v5 header's field. */
  readonly sampling: number | null;
  readonly templates: number;
  readonly records: readonly ReadRecord[];
  /** Records of options data: values by element; scopes of v9 by their type's negative. */
  readonly options: readonly ReadonlyMap<number, number>[];
};
type Shape = readonly (readonly [element: number, bytes: number])[];
/** Template id ⇒ fields. Kept between the datagrams of one exporter. */
export type ReadTemplates = Map<number, { readonly shape: Shape; readonly options: boolean }>;

function must(isTrue: boolean, what: string): void {
  if (!isTrue) throw new RangeError(what);
}

export function readFlowDatagram(bytes: Uint8Array, templates: ReadTemplates): ReadDatagram {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint16(0);
  return version === 9 || version === 10 ? readTemplated(view, version, templates) : readFixed(view, version);
}

function readFixed(view: DataView, version: number): ReadDatagram {
  must([1, 5, 7].includes(version), `version ${version}`);
  const count = view.getUint16(2);
  const header = version === 1 ? 16 : 24;
  const size = version === 7 ? 52 : 48;
  must(view.byteLength === header + count * size, 'the records fill the datagram');
  const uptime = view.getUint32(4);
  const exportMs = view.getUint32(8) * 1000 + Math.floor(view.getUint32(12) / 1e6);
  const records = Array.from({ length: count }, (_, index): ReadRecord => {
    const at = header + index * size;
    const timed = (offset: number): number => exportMs - uptime + view.getUint32(at + offset);
    return {
      source: slice(view, at, 4),
      destination: slice(view, at + 4, 4),
      packets: view.getUint32(at + 16),
      bytes: view.getUint32(at + 20),
      firstMs: timed(24),
      lastMs: timed(28),
      sourcePort: view.getUint16(at + 32),
      destinationPort: view.getUint16(at + 34),
      protocol: view.getUint8(at + 38),
      sampler: undefined,
      sampling: undefined,
      end: undefined,
    };
  });
  return {
    version,
    sequence: version === 1 ? null : view.getUint32(16),
    exportMs,
    sampling: version === 5 ? view.getUint16(22) : null,
    templates: 0,
    records,
    options: [],
  };
}

const slice = (view: DataView, at: number, length: number): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset + at, length).slice();

function readTemplated(view: DataView, version: number, templates: ReadTemplates): ReadDatagram {
  const isIpfix = version === 10;
  const exportMs = view.getUint32(isIpfix ? 4 : 8) * 1000;
  const uptime = isIpfix ? 0 : view.getUint32(4);
  if (isIpfix) must(view.getUint16(2) === view.byteLength, 'the length is that of the message');
  const records: ReadRecord[] = [];
  const options: ReadonlyMap<number, number>[] = [];
  let seenTemplates = 0;
  let counted = 0;
  for (let at = isIpfix ? 16 : 20; at < view.byteLength; ) {
    const id = view.getUint16(at);
    const end = at + view.getUint16(at + 2);
    must(
      end <= view.byteLength && end > at + 4 && (end - at) % 4 === 0,
      'a set within the datagram, of whole words',
    );
    const body = at + 4;
    if (id === (isIpfix ? 2 : 0)) {
      const read = readTemplates(view, body, end, templates);
      seenTemplates += read;
      counted += read;
    } else if (id === (isIpfix ? 3 : 1)) {
      readOptionsTemplate(view, body, isIpfix, templates);
      seenTemplates++;
      counted++;
    } else {
      const template = templates.get(id);
      if (template !== undefined) {
        const size = template.shape.reduce((sum, [, bytes]) => sum + bytes, 0);
        for (let from = body; from + size <= end; from += size) {
          const values = valuesOf(view, from, template.shape);
          if (template.options)
            options.push(new Map([...values].map(([key, value]) => [key, Number(value)])));
          else records.push(recordOf(values, exportMs - uptime));
          counted++;
        }
      }
    }
    at = end;
  }
  if (!isIpfix && templates.size > 0)
    must(view.getUint16(2) === counted, 'as many records as the header says');
  return {
    version,
    sequence: view.getUint32(isIpfix ? 8 : 12),
    exportMs,
    sampling: null,
    templates: seenTemplates,
    records,
    options,
  };
}

function readTemplates(view: DataView, start: number, end: number, into: ReadTemplates): number {
  let read = 0;
  for (let at = start; at + 4 <= end; read++) {
    const id = view.getUint16(at);
    const count = view.getUint16(at + 2);
    into.set(id, { shape: shapeAt(view, at + 4, count), options: false });
    at += 4 + 4 * count;
  }
  return read;
}

function readOptionsTemplate(view: DataView, at: number, isIpfix: boolean, into: ReadTemplates): void {
  const [second, third] = [view.getUint16(at + 2), view.getUint16(at + 4)];
  const scopes = isIpfix ? third : second / 4;
  const count = isIpfix ? second : (second + third) / 4;
  const shape = shapeAt(view, at + 6, count).map(([element, bytes], index): readonly [number, number] => [
    index < scopes && !isIpfix ? -element : element,
    bytes,
  ]);
  into.set(view.getUint16(at), { shape, options: true });
}

const shapeAt = (view: DataView, at: number, count: number): Shape =>
  Array.from({ length: count }, (_, index) => [
    view.getUint16(at + 4 * index),
    view.getUint16(at + 4 * index + 2),
  ]);

type Values = Map<number, number | Uint8Array>;

function valuesOf(view: DataView, start: number, shape: Shape): Values {
  const values: Values = new Map();
  let at = start;
  for (const [element, bytes] of shape) {
    const raw = slice(view, at, bytes);
    values.set(
      element,
      bytes > 8 || [8, 12, 15].includes(element) ? raw : raw.reduce((sum, byte) => sum * 256 + byte, 0),
    );
    at += bytes;
  }
  return values;
}

/** `bootMs`: Unix time at which the exporter's uptime was zero. */
function recordOf(values: Values, bootMs: number): ReadRecord {
  const number = (element: number): number => Number(values.get(element) ?? Number.NaN);
  const maybe = (element: number): number | undefined => (values.has(element) ? number(element) : undefined);
  const address = (ipv4: number, ipv6: number): Uint8Array => {
    const found = values.get(ipv4) ?? values.get(ipv6);
    if (!(found instanceof Uint8Array)) throw new RangeError('a record without address');
    return found;
  };
  return {
    source: address(8, 27),
    destination: address(12, 28),
    protocol: number(4),
    sourcePort: number(7),
    destinationPort: number(11),
    packets: number(2),
    bytes: number(1),
    firstMs: maybe(152) ?? bootMs + number(22),
    lastMs: maybe(153) ?? bootMs + number(21),
    sampler: maybe(48) ?? maybe(302),
    sampling: maybe(34),
    end: maybe(136),
  };
}
