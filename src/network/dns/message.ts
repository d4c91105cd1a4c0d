/** What can be read of a DNS message without decoding it (RFC 1035 section 4.1): what a cache needs to know. */

export interface Inspected {
  readonly rcode: number;
  readonly truncated: boolean;
  /** Where the times to live stand, that of OPT (which is none) left out. */
  readonly ttlOffsets: readonly number[];
  /** How long it may be kept: the least of its records; of a negative answer what its SOA says; 0 without either. */
  readonly ttlSeconds: number;
}

const typeSoa = 6;
const typeOpt = 41;

/** Undefined for bytes that are no whole message. */
export function inspect(message: Uint8Array): Inspected | undefined {
  if (message.byteLength < 12) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  try {
    const questions = view.getUint16(4);
    const [answers, authorities, additionals] = [view.getUint16(6), view.getUint16(8), view.getUint16(10)];
    let at = 12;
    for (let i = 0; i < questions; i++) at = skipName(view, at) + 4;
    const ttlOffsets: number[] = [];
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < answers + authorities + additionals; i++) {
      const fixed = skipName(view, at);
      const type = view.getUint16(fixed);
      const end = fixed + 10 + view.getUint16(fixed + 8);
      if (end > message.byteLength) return undefined;
      if (type !== typeOpt) {
        ttlOffsets.push(fixed + 4);
        // RFC 2308: a denial is kept as long as the SOA's own time to live and its last field allow.
        const ttl = view.getUint32(fixed + 4);
        const isDenial = answers === 0 && type === typeSoa;
        if (i < answers || isDenial) least = Math.min(least, ttl, isDenial ? view.getUint32(end - 4) : ttl);
      }
      at = end;
    }
    return {
      rcode: message[3]! & 15,
      truncated: (message[2]! & 2) !== 0,
      ttlOffsets,
      ttlSeconds: Number.isFinite(least) ? least : 0,
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The first byte behind a name; throws a RangeError past the end. */
function skipName(view: DataView, start: number): number {
  let at = start;
  for (;;) {
    const length = view.getUint8(at);
    if (length === 0) return at + 1;
    if ((length & 0xc0) === 0xc0) return at + 2;
    at += 1 + length;
  }
}

/** A copy with this id, and times to live that are `agedSeconds` less. */
export function aged(message: Uint8Array, inspected: Inspected, id: number, agedSeconds: number): Uint8Array {
  // Not slice(): of a Buffer that is no copy.
  const copy = new Uint8Array(message);
  const view = new DataView(copy.buffer);
  view.setUint16(0, id);
  for (const at of inspected.ttlOffsets) view.setUint32(at, Math.max(0, view.getUint32(at) - agedSeconds));
  return copy;
}
