/**
 * HTTP/2: many requests on one connection, and one more connection when the server's limit of streams is reached (each
 * watch holds a stream).
 */
import * as http2 from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../../base/clock.ts';
import { onAbort } from '../../base/abort.ts';
import { messageOf } from '../../base/errors.ts';
import type { WatchFrame, WireHeaders } from '../../machinery/wire.ts';
import { TransportError, type TransportResponse } from '../client.ts';
import { collectBytes, decodeFrames } from '../frames.ts';
import { type PreparedRequest, type Protocol, StaleConnectionError } from './protocol.ts';

/** Node's defaults (64 KiB) stall watches of large objects; these are what Go's server gives too. */
const streamWindowBytes = 256 * 1024;
const connectionWindowBytes = 25 * 1024 * 1024;
/** The most on one connection, even where the server takes more. */
const maxStreams = 100;
/** A connection with open streams that was silent for this long is pinged; no answer in time: it is dead (client-go). */
const pingAfterMs = 30_000;
const pingTimeoutMs = 15_000;
/** A connection without streams is closed after this. */
const idleMs = 90_000;

const { NGHTTP2_CANCEL } = http2.constants;

export class Http2 implements Protocol {
  readonly #authority: string;
  readonly #clock: Clock;
  readonly #connect: () => Promise<TLSSocket>;
  readonly #connections = new Set<Connection>();
  #connecting: Promise<unknown> | undefined;
  #closed = false;

  /** `socket` has agreed on h2 and is the first connection; `connect` makes more. */
  constructor(authority: string, clock: Clock, socket: TLSSocket, connect: () => Promise<TLSSocket>) {
    this.#authority = authority;
    this.#clock = clock;
    this.#connect = connect;
    this.#connecting = this.#add(socket).finally(() => {
      this.#connecting = undefined;
    });
    this.#connecting.catch(() => {});
  }

  async request(request: PreparedRequest): Promise<TransportResponse> {
    for (;;) {
      const free = [...this.#connections].find((connection) => connection.hasRoom);
      if (free) return free.request(this.#authority, request);
      if (this.#closed) throw new TransportError(`${request.method} ${request.url}: the client is closed`);
      this.#connecting ??= this.#connect()
        .then((socket) => this.#add(socket))
        .finally(() => {
          this.#connecting = undefined;
        });
      await this.#connecting;
      request.signal?.throwIfAborted();
    }
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#connections) connection.destroy('the client was closed');
  }

  /** Usable once the server has said how many streams it takes: those opened above that would wait for ever. */
  async #add(socket: TLSSocket): Promise<void> {
    const connection = new Connection(this.#authority, socket, this.#clock, () => this.#connections.delete(connection));
    this.#connections.add(connection);
    if (this.#closed) connection.destroy('the client was closed');
    await connection.settled;
  }
}

class Connection {
  readonly #session: http2.ClientHttp2Session;
  readonly #clock: Clock;
  readonly #onGone: () => void;
  #open = 0;
  #served = 0;
  #isGoing = false;
  /** Why the connection ended; undefined while it stands. */
  #end: string | undefined;
  #lastReadMs: number;
  #timer: Timer | undefined;
  #hasSettings = false;
  /** Resolves when the server's settings are here; rejects when the connection ended before (a refused certificate). */
  readonly settled: Promise<void>;

  constructor(authority: string, socket: TLSSocket, clock: Clock, onGone: () => void) {
    this.#clock = clock;
    this.#onGone = onGone;
    this.#lastReadMs = clock.monotonicMs();
    this.#session = http2.connect(`https://${authority}`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: streamWindowBytes, maxFrameSize: streamWindowBytes },
      peerMaxConcurrentStreams: maxStreams,
      // The default of 10 MB counts what is buffered for all streams: too little for many slow readers.
      maxSessionMemory: 100,
    });
    this.#session.once('connect', () => this.#session.setLocalWindowSize(connectionWindowBytes));
    this.settled = new Promise((resolve, reject) => {
      this.#session.once('remoteSettings', () => {
        this.#hasSettings = true;
        resolve();
      });
      this.#session.once('close', () =>
        reject(new TransportError(`connecting to ${authority}: ${this.#end ?? 'the server closed the connection'}`)),
      );
    });
    this.#session.once('goaway', () => this.#retire('the server is closing the connection'));
    this.#session.once('error', (error) => {
      this.#end ??= messageOf(error);
    });
    this.#session.once('close', () => {
      this.#end ??= 'the connection was closed';
      this.#timer?.cancel();
      this.#retire(this.#end);
    });
    this.#watchHealth();
  }

  /** Whether another stream may be opened. */
  get hasRoom(): boolean {
    if (!this.#hasSettings || this.#isGoing || this.#session.closed || this.#session.destroyed) return false;
    return this.#open < Math.min(maxStreams, this.#session.remoteSettings?.maxConcurrentStreams ?? maxStreams);
  }

  destroy(why: string): void {
    this.#end ??= why;
    this.#session.destroy(new TransportError(why), NGHTTP2_CANCEL);
  }

  request(authority: string, request: PreparedRequest): Promise<TransportResponse> {
    const { method, url, headers, body, signal } = request;
    const what = `${method} ${url}`;
    const isReused = this.#served > 0;
    return new Promise((resolve, reject) => {
      const stream = this.#session.request(
        { ':method': method, ':path': url, ':authority': authority, ':scheme': 'https', ...headers },
        { endStream: !body },
      );
      this.#open++;
      const forget = signal && onAbort(signal, () => stream.close(NGHTTP2_CANCEL));
      let failure: Error | undefined;
      let isAnswered = false;
      stream.on('error', (error) => {
        failure = error;
      });
      stream.once('close', () => {
        this.#open--;
        this.#lastReadMs = this.#clock.monotonicMs();
        forget?.();
        if (isAnswered) return;
        if (signal?.aborted) return reject(signal.reason);
        const why = failure ? messageOf(failure) : (this.#end ?? `the stream was reset (code ${stream.rstCode})`);
        reject(new (isReused ? StaleConnectionError : TransportError)(`${what}: ${why}`, { cause: failure }));
      });
      stream.once('response', (answer) => {
        isAnswered = true;
        this.#served++;
        this.#lastReadMs = this.#clock.monotonicMs();
        resolve(
          new Http2Response(what, answer, stream, signal, () => {
            this.#lastReadMs = this.#clock.monotonicMs();
            return failure ? messageOf(failure) : this.#end;
          }),
        );
      });
      if (body) stream.end(body);
    });
  }

  /** No new streams; those open may still finish. */
  #retire(why: string): void {
    this.#isGoing = true;
    if (this.#session.destroyed || this.#session.closed) this.#end ??= why;
    this.#onGone();
    if (this.#open === 0 && !this.#session.destroyed) this.#session.close();
  }

  #watchHealth(): void {
    this.#timer = this.#clock.after(
      pingAfterMs,
      () => {
        if (this.#session.destroyed) return;
        const silentMs = this.#clock.monotonicMs() - this.#lastReadMs;
        if (this.#open === 0 && silentMs >= idleMs) {
          this.#retire('idle');
          return;
        }
        if (this.#open > 0 && silentMs >= pingAfterMs) this.#ping();
        this.#watchHealth();
      },
      'client: connection health',
    );
  }

  #ping(): void {
    const timer = this.#clock.after(pingTimeoutMs, () => this.destroy('the server does not answer'), 'client: ping');
    this.#session.ping((error) => {
      timer.cancel();
      if (!error) this.#lastReadMs = this.#clock.monotonicMs();
    });
    this.#session.once('close', () => timer.cancel());
  }
}

class Http2Response implements TransportResponse {
  readonly status: number;
  readonly headers: WireHeaders;
  readonly #what: string;
  readonly #stream: http2.ClientHttp2Stream;
  readonly #signal: AbortSignal | undefined;
  /** Notes that something was read; says why the stream or its connection failed, if it did. */
  readonly #progress: () => string | undefined;

  constructor(
    what: string,
    answer: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader,
    stream: http2.ClientHttp2Stream,
    signal: AbortSignal | undefined,
    progress: () => string | undefined,
  ) {
    this.#what = what;
    this.#stream = stream;
    this.#signal = signal;
    this.#progress = progress;
    this.status = answer[':status'] ?? 0;
    this.headers = answer as WireHeaders;
  }

  body(): Promise<Uint8Array> {
    return collectBytes(this.chunks());
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    const stream = this.#stream;
    let isComplete = false;
    try {
      for await (const chunk of stream) {
        this.#progress();
        yield chunk as Uint8Array;
      }
      isComplete = true;
    } catch (cause) {
      this.#signal?.throwIfAborted();
      throw new TransportError(`${this.#what}: the answer broke off: ${this.#progress() ?? messageOf(cause)}`, {
        cause,
      });
    } finally {
      // Left early: the server must hear of it.
      if (!isComplete && !stream.closed) stream.close(NGHTTP2_CANCEL);
    }
    this.#signal?.throwIfAborted();
    // A reset, or a lost connection, ends the stream as a clean end would: only the code tells them apart.
    const why = this.#progress() ?? (stream.rstCode ? `the stream was reset (code ${stream.rstCode})` : undefined);
    if (why) throw new TransportError(`${this.#what}: the answer broke off: ${why}`);
  }

  frames(): AsyncIterable<readonly WatchFrame[]> {
    return decodeFrames(this.chunks());
  }
}
