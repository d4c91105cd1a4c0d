import type { WatchEventType, WatchFrame } from '../machinery/wire.ts';
import { parseJson } from '../machinery/codec/json.ts';
import { TransportError } from './client.ts';

/** The longest watch event taken from the wire: an object is at most a few MiB. */
const maxFrameBytes = 64 * 1024 * 1024;
const newline = 10;

/** A watch frame made of one line of JSON as it came over the wire. */
function frameOf(line: Uint8Array): WatchFrame {
  let event: { type?: unknown; object?: unknown };
  try {
    event = parseJson(line).value as { type?: unknown; object?: unknown };
  } catch (cause) {
    throw new TransportError(`watch: a frame of ${line.length} bytes is not JSON`, { cause });
  }
  if (typeof event.type !== 'string') throw new TransportError('watch: a frame has no type');
  return { type: event.type as WatchEventType, bytes: line, object: event.object };
}

/**
 * The frames of a watch that arrives as bytes: one JSON object a line, cut anywhere. All frames completed by one chunk
 * come as one batch. A line left unfinished at the end means that the stream was cut: TransportError.
 */
export async function* decodeFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<readonly WatchFrame[]> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    const batch: WatchFrame[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const tail = chunk.subarray(start, end);
      const line = pending.length === 0 ? tail : concatBytes([...pending, tail]);
      pending = [];
      pendingBytes = 0;
      if (line.length > 0) batch.push(frameOf(line));
      start = end + 1;
    }
    if (start < chunk.length) {
      pending.push(chunk.subarray(start));
      pendingBytes += chunk.length - start;
      if (pendingBytes > maxFrameBytes)
        throw new TransportError(`watch: a frame is longer than ${maxFrameBytes} bytes, which is the most taken`);
    }
    if (batch.length > 0) yield batch;
  }
  if (pendingBytes > 0) throw new TransportError(`watch: the stream ended inside a frame (${pendingBytes} bytes)`);
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export async function collectBytes(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return concatBytes(parts);
}
