/**
 * The transport without a socket: a call into the API server's handler chain in the same process.
 *
 * The request takes the whole chain, as one over the network would: only the sockets and the JSON framing of watches are
 * left out. Bodies are bytes on both sides, so that what arrives is what JSON can carry. Every request starts in a
 * macrotask of its own: controllers that call in a chain never starve the sockets of the same process.
 */
import { onAbort } from '../../base/abort.ts';
import { type Clock, yieldTask } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Handler, UserInfo, WatchFrame, WireResponse } from '../../machinery/wire.ts';
import { type Transport, TransportError, type TransportRequest, type TransportResponse } from '../client.ts';
import { collectBytes, decodeFrames } from '../frames.ts';

export interface DirectTransportOptions {
  readonly handler: Handler;
  /** Who the component is: its composition root vouches for it, authorization is as for anyone. */
  readonly user: UserInfo;
  readonly clock: Clock;
}

export function createDirectTransport(options: DirectTransportOptions): Transport {
  return new DirectTransport(options);
}

class DirectTransport implements Transport {
  readonly #options: DirectTransportOptions;
  readonly #open = new Set<AbortController>();
  #closed = false;

  constructor(options: DirectTransportOptions) {
    this.#options = options;
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    const { handler, user, clock } = this.#options;
    await yieldTask(clock);
    if (this.#closed) throw new TransportError(`${request.method} ${request.url}: the client is closed`);
    request.signal?.throwIfAborted();

    const exchange = new Exchange(this.#open, request.signal);
    let response: WireResponse;
    try {
      response = await handler({
        method: request.method,
        url: request.url,
        headers: lowerCaseNames(request.headers),
        ...(request.body ? { body: request.body } : {}),
        signal: exchange.signal,
        user,
        remoteAddress: '127.0.0.1',
      });
    } catch (error) {
      exchange.end();
      request.signal?.throwIfAborted();
      throw new TransportError(`${request.method} ${request.url}: the server failed: ${messageOf(error)}`, {
        cause: error,
      });
    }
    if (response.kind === 'proxy') {
      exchange.abort();
      throw new TransportError(`${request.method} ${request.url}: needs a connection, which a direct client has not`);
    }
    if (exchange.signal.aborted) {
      // While the server worked on it. Nobody will read the answer: it is not to wait for a reader.
      exchange.end();
      if (response.kind === 'watch') void response.frames[Symbol.asyncIterator]().return?.();
      if (response.kind === 'chunks') void response.chunks[Symbol.asyncIterator]().return?.();
      throw exchange.signal.reason;
    }
    if (response.kind === 'bytes') exchange.end();
    return new DirectResponse(response, exchange);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const controller of [...this.#open]) controller.abort(new TransportError('the client was closed'));
    this.#open.clear();
  }
}

/** The life of one request: aborted by the caller's signal, by closing the transport, or by leaving a stream early. */
class Exchange {
  readonly #controller = new AbortController();
  readonly #open: Set<AbortController>;
  readonly #forgetCaller: (() => void) | undefined;

  constructor(open: Set<AbortController>, caller: AbortSignal | undefined) {
    this.#open = open;
    open.add(this.#controller);
    this.#forgetCaller = caller && onAbort(caller, () => this.#controller.abort(caller.reason));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** All was read: forget the caller's signal, which outlives many requests. */
  end(): void {
    this.#open.delete(this.#controller);
    this.#forgetCaller?.();
  }

  abort(): void {
    this.end();
    this.#controller.abort(new TransportError('the reader left'));
  }
}

type StreamedResponse = Exclude<WireResponse, { kind: 'proxy' }>;

class DirectResponse implements TransportResponse {
  readonly #response: StreamedResponse;
  readonly #exchange: Exchange;

  constructor(response: StreamedResponse, exchange: Exchange) {
    this.#response = response;
    this.#exchange = exchange;
  }

  get status(): number {
    return this.#response.status;
  }

  get headers() {
    return this.#response.headers;
  }

  async body(): Promise<Uint8Array> {
    return this.#response.kind === 'bytes' ? this.#response.body : collectBytes(this.chunks());
  }

  chunks(): AsyncIterable<Uint8Array> {
    const response = this.#response;
    switch (response.kind) {
      case 'bytes':
        return once(response.body);
      case 'chunks':
        return this.#guard(response.chunks);
      case 'watch':
        return bytesOf(this.#guard(response.frames));
    }
  }

  frames(): AsyncIterable<readonly WatchFrame[]> {
    return this.#response.kind === 'watch' ? this.#guard(this.#response.frames) : decodeFrames(this.chunks());
  }

  /** Passes a stream on; tells the server when its reader leaves before the end. */
  async *#guard<T>(stream: AsyncIterable<T>): AsyncGenerator<T> {
    const { signal } = this.#exchange;
    let finished = false;
    try {
      for await (const item of stream) {
        if (signal.aborted) break;
        yield item;
      }
      finished = true;
    } finally {
      if (finished) this.#exchange.end();
      else this.#exchange.abort();
    }
    signal.throwIfAborted();
  }
}

async function* once<T>(item: T): AsyncGenerator<T> {
  yield item;
}

async function* bytesOf(frames: AsyncIterable<readonly WatchFrame[]>): AsyncGenerator<Uint8Array> {
  for await (const batch of frames) for (const frame of batch) yield frame.bytes;
}

function lowerCaseNames(headers: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name in headers) out[name.toLowerCase()] = headers[name]!;
  return out;
}
