import * as http from 'node:http';
import * as https from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { onAbort } from '../../base/abort.ts';
import { messageOf } from '../../base/errors.ts';
import type { WatchFrame, WireHeaders } from '../../machinery/wire.ts';
import { TransportError, type TransportResponse } from '../client.ts';
import { collectBytes, decodeFrames } from '../frames.ts';
import { type PreparedRequest, type Protocol, StaleConnectionError } from './protocol.ts';

/** HTTP/1.1 over kept-alive connections: one request at a time on each, as many as it takes. */
export class Http1 implements Protocol {
  readonly #server: URL;
  readonly #agent: http.Agent;
  readonly #send: typeof http.request;

  constructor(server: URL, tlsOptions: ConnectionOptions) {
    this.#server = server;
    const keep = { keepAlive: true, maxFreeSockets: 25, noDelay: true };
    const secure = server.protocol === 'https:';
    this.#agent = secure ? new https.Agent({ ...keep, ...tlsOptions }) : new http.Agent(keep);
    this.#send = secure ? https.request : http.request;
  }

  request(request: PreparedRequest): Promise<TransportResponse> {
    const { method, url, headers, body, signal } = request;
    const what = `${method} ${url}`;
    return new Promise((resolve, reject) => {
      const sent = this.#send({
        host: this.#server.hostname.replace(/^\[|\]$/g, ''),
        port: this.#server.port || (this.#server.protocol === 'https:' ? 443 : 80),
        method,
        path: url,
        headers: { ...headers, host: this.#server.host, ...(body ? { 'content-length': String(body.length) } : {}) },
        agent: this.#agent,
      });
      const forget = signal ? onAbort(signal, () => sent.destroy(new TransportError(`${what}: cancelled`))) : () => {};
      sent.once('response', (message) => resolve(new Http1Response(what, message, signal, forget)));
      sent.once('error', (cause) => {
        forget();
        if (signal?.aborted) reject(signal.reason);
        else
          reject(
            new (sent.reusedSocket ? StaleConnectionError : TransportError)(`${what}: ${messageOf(cause)}`, { cause }),
          );
      });
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

class Http1Response implements TransportResponse {
  readonly status: number;
  readonly headers: WireHeaders;
  readonly #what: string;
  readonly #message: http.IncomingMessage;
  readonly #signal: AbortSignal | undefined;

  constructor(what: string, message: http.IncomingMessage, signal: AbortSignal | undefined, forget: () => void) {
    this.#what = what;
    this.#message = message;
    this.#signal = signal;
    this.status = message.statusCode ?? 0;
    this.headers = message.headers as WireHeaders;
    message.once('close', forget);
    // Errors are found by whoever reads the body; until someone does, they must not be thrown into the void.
    message.on('error', () => {});
  }

  body(): Promise<Uint8Array> {
    return collectBytes(this.chunks());
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#message) yield chunk as Uint8Array;
    } catch (cause) {
      this.#signal?.throwIfAborted();
      throw new TransportError(`${this.#what}: the answer broke off: ${messageOf(cause)}`, { cause });
    }
    if (!this.#message.complete) throw new TransportError(`${this.#what}: the answer broke off`);
  }

  frames(): AsyncIterable<readonly WatchFrame[]> {
    return decodeFrames(this.chunks());
  }
}
