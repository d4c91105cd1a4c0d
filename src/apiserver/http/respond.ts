/**
 * Answers as bytes on a connection. Rules: 1. a watch's 200 goes out before its first event; 2. nothing is written while
 * the client does not read (`drain`); 3. when the client goes, iteration stops; 4. an error after the head destroys the
 * stream, so that no client takes a cut body for a whole one.
 */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { createGzip, gzip } from 'node:zlib';
import { promisify } from 'node:util';
import type { WatchFrame, WireHeaders, WireResponse } from '../../machinery/wire.ts';
import type { Exchange } from './exchange.ts';

/** Upstream compresses bodies over 128 KiB, at the fastest level (handlers/responsewriters/writers.go). */
const gzipThresholdBytes = 128 * 1024;
const gzipLevel = 1;

const gzipAsync = promisify(gzip);

/** Everything but `proxy`. `gone` is aborted when the client has gone away or the server stops. */
export async function respond(
  exchange: Exchange,
  response: Exclude<WireResponse, { kind: 'proxy' }>,
  gone: () => AbortSignal,
): Promise<void> {
  switch (response.kind) {
    case 'bytes':
      return respondBytes(exchange, response);
    case 'chunks':
      return respondChunks(exchange, response, gone());
    case 'watch':
      return respondWatch(exchange, response, gone());
  }
}

function respondBytes(exchange: Exchange, response: Extract<WireResponse, { kind: 'bytes' }>): void | Promise<void> {
  const { status, headers, body } = response;
  if (exchange.acceptsGzip && body.length > gzipThresholdBytes && !('content-encoding' in headers))
    return gzipAsync(body, { level: gzipLevel }).then((zipped) =>
      sendBytes(exchange, status, zippedHeaders(headers), zipped),
    );
  sendBytes(exchange, status, headers, body);
}

function sendBytes(exchange: Exchange, status: number, headers: WireHeaders, body: Uint8Array): void {
  const bodiless = exchange.method === 'HEAD' || status === 304 || status === 204;
  const withLength = status === 304 || status === 204 ? headers : { ...headers, 'content-length': String(body.length) };
  exchange.sendHead(status, withLength, bodiless);
  if (!bodiless) exchange.out.end(body);
}

const zippedHeaders = (headers: WireHeaders): WireHeaders => ({
  ...headers,
  'content-encoding': 'gzip',
  vary: 'Accept-Encoding',
});

async function respondChunks(
  exchange: Exchange,
  response: Extract<WireResponse, { kind: 'chunks' }>,
  gone: AbortSignal,
): Promise<void> {
  const zip = exchange.acceptsGzip && !('content-encoding' in response.headers) && compressible(response.headers);
  exchange.sendHead(
    response.status,
    zip ? zippedHeaders(response.headers) : response.headers,
    exchange.method === 'HEAD',
  );
  if (exchange.method === 'HEAD') return;
  if (!zip) {
    await copyChunks(response.chunks, exchange.out, gone);
    return;
  }
  const zipper = createGzip({ level: gzipLevel });
  zipper.on('error', () => exchange.destroy());
  zipper.pipe(exchange.out);
  await copyChunks(response.chunks, zipper, gone);
}

/** Logs and other streams must arrive as they are written, not when a compressor's block is full. */
function compressible(headers: WireHeaders): boolean {
  const type = headers['content-type'];
  return (
    typeof type === 'string' && (type.startsWith('application/json') || type.startsWith('application/vnd.kubernetes'))
  );
}

async function copyChunks(chunks: AsyncIterable<Uint8Array>, out: Writable, gone: AbortSignal): Promise<void> {
  for await (const chunk of chunks) {
    if (gone.aborted || out.destroyed) return;
    if (!out.write(chunk)) await drained(out, gone);
  }
  if (!out.destroyed) out.end();
}

async function respondWatch(
  exchange: Exchange,
  response: Extract<WireResponse, { kind: 'watch' }>,
  gone: AbortSignal,
): Promise<void> {
  exchange.sendHead(response.status, response.headers, exchange.method === 'HEAD');
  if (exchange.method === 'HEAD') return;
  const { out } = exchange;
  for await (const batch of response.frames) {
    if (gone.aborted || out.destroyed) break;
    if (!writeFrames(out, batch)) await drained(out, gone);
  }
  if (!out.destroyed) out.end();
}

/** The last batch of several frames, in one piece: the next watcher most likely gets the same. */
let joined: { readonly batch: readonly WatchFrame[]; readonly bytes: Uint8Array } | undefined;

/** One batch leaves in one write. False: wait for `drain`. */
function writeFrames(out: Writable, batch: readonly WatchFrame[]): boolean {
  if (batch.length === 1) return out.write(batch[0]!.bytes);
  if (joined === undefined || !sameFrames(joined.batch, batch))
    joined = { batch, bytes: Buffer.concat(batch.map((frame) => frame.bytes)) };
  return out.write(joined.bytes);
}

function sameFrames(a: readonly WatchFrame[], b: readonly WatchFrame[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Resolves when the buffer is empty again, or when there is nobody left to write to. */
async function drained(out: Writable, gone: AbortSignal): Promise<void> {
  if (out.destroyed || gone.aborted) return;
  try {
    await once(out, 'drain', { signal: gone });
  } catch {
    // Gone: the loops look at the signal themselves.
  }
}
