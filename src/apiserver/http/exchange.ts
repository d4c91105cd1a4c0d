/** One request on a connection, whatever the version of HTTP: what the chain is given, and where the answer goes. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Readable, Writable } from 'node:stream';
import type { WireHeaders, WireRequest } from '../../machinery/wire.ts';

/** Why a body could not be read: it is over the limit, or it did not come. */
export type BodyResult = { readonly body: Uint8Array | undefined } | { readonly problem: 'too large' | 'gone' };

/** What the request's connection proved of its client. */
export type PeerCertificate = NonNullable<WireRequest['peerCertificate']>;

/** The request as the chain sees it. Its AbortController is made only if somebody asks for the signal. */
export class SocketRequest implements WireRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body?: Uint8Array;
  readonly peerCertificate?: PeerCertificate;
  readonly frontProxy?: NonNullable<WireRequest['frontProxy']>;
  readonly remoteAddress?: string;
  readonly upgrade?: boolean;
  #controller: AbortController | undefined;
  #gone = false;

  constructor(head: {
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string | undefined>>;
    readonly body: Uint8Array | undefined;
    readonly peerCertificate: PeerCertificate | undefined;
    /** Common name of the front proxy that speaks, and the headers as they came: name, value, name, value. */
    readonly frontProxy: string | undefined;
    readonly rawHeaders: readonly string[] | undefined;
    readonly remoteAddress: string | undefined;
    readonly upgrade?: boolean;
  }) {
    this.method = head.method;
    this.url = head.url;
    this.headers = head.headers;
    if (head.body !== undefined) this.body = head.body;
    if (head.peerCertificate !== undefined) this.peerCertificate = head.peerCertificate;
    if (head.frontProxy !== undefined)
      this.frontProxy = { commonName: head.frontProxy, valuesOf: (name) => valuesOf(head.rawHeaders ?? [], name) };
    if (head.remoteAddress !== undefined) this.remoteAddress = head.remoteAddress;
    if (head.upgrade) this.upgrade = true;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#gone) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** The client has gone away, or the server ends: everything done for the request must end. */
  abort(): void {
    this.#gone = true;
    this.#controller?.abort();
  }
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2)
    if (rawHeaders[i]!.toLowerCase() === name) values.push(rawHeaders[i + 1]!);
  return values;
}

/** Where an answer is written. `out` obeys back-pressure: `write` is false until `drain`. */
export interface Exchange {
  readonly method: string;
  readonly acceptsGzip: boolean;
  readonly out: Writable;
  /** Sends status and headers at once; `last`: no body follows. */
  sendHead(status: number, headers: WireHeaders, last: boolean): void;
  /** Ends the exchange where an orderly end is no longer possible. */
  destroy(): void;
}

export function http2Exchange(stream: ServerHttp2Stream, method: string, acceptEncoding: string | undefined): Exchange {
  return {
    method,
    acceptsGzip: acceptEncoding?.includes('gzip') ?? false,
    out: stream,
    sendHead(status, headers, last) {
      // The stream may have been reset while the answer was made.
      if (stream.destroyed || stream.closed || stream.headersSent) return;
      stream.respond({ ...headers, ':status': status } as Record<string, string | string[] | number>, {
        endStream: last,
      });
    },
    destroy: () => stream.destroy(),
  };
}

export function http1Exchange(request: IncomingMessage, response: ServerResponse): Exchange {
  return {
    method: request.method ?? 'GET',
    acceptsGzip: request.headers['accept-encoding']?.includes('gzip') ?? false,
    out: response,
    sendHead(status, headers, last) {
      if (response.destroyed || response.headersSent) return;
      response.writeHead(status, headers as Record<string, string | string[]>);
      // writeHead alone sends nothing before the first byte of the body; a client waits for a watch's 200.
      if (!last) response.flushHeaders();
      else response.end();
    },
    destroy: () => response.destroy(),
  };
}

/** A body that has not come by then never does (upstream's request timeout). */
const bodyMs = 60_000;

/** Collects a body of at most `limit` bytes. On `too large` the rest is left unread. */
export function readBody(input: Readable, limit: number): Promise<BodyResult> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => input.destroy(), bodyMs);
    const chunks: Uint8Array[] = [];
    let size = 0;
    const finish = (result: BodyResult) => {
      input.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      clearTimeout(timer);
      // Late errors of a stream that nobody reads any more must not be thrown.
      input.on('error', () => {});
      resolve(result);
    };
    const onData = (chunk: Uint8Array) => {
      size += chunk.length;
      if (size > limit) {
        input.pause();
        finish({ problem: 'too large' });
      } else chunks.push(chunk);
    };
    const onEnd = () =>
      finish({ body: chunks.length === 0 ? undefined : chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size) });
    const onClose = () => finish({ problem: 'gone' });
    input.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}
