/** Outbound calls on Node: HTTPS/1.1 with connections that are kept for the next call to the same peer. */
import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { WireHeaders } from '../../machinery/wire.ts';
import type { Outbound, OutboundAnswer, OutboundCall } from '../outbound/outbound.ts';
import { goNetworkError } from './go-network-error.ts';

export interface OutboundIdentity {
  readonly certPem: string;
  readonly keyPem: string;
}

/** How long a connection that nobody uses is kept (Go's default transport: 90 s; servers may end it sooner). */
const keepAliveMs = 30_000;
/** Answers of webhooks and discovery documents are never larger. */
const maxAnswerBytes = 32 * 1024 * 1024;

export class OutboundConnections {
  readonly #agent = new Agent({ keepAlive: true, timeout: keepAliveMs, maxCachedSessions: 0 });
  readonly #frontProxy: OutboundIdentity | undefined;

  /** `frontProxy`: what is shown to aggregated API servers. */
  constructor(frontProxy?: OutboundIdentity) {
    this.#frontProxy = frontProxy;
  }

  readonly call: Outbound = async (call) => {
    for (;;) {
      const { answer, stale } = await this.#attempt(call);
      // The peer closed a kept connection as we wrote to it: nothing of the request was looked at.
      if (!stale) return answer;
    }
  };

  close(): void {
    this.#agent.destroy();
  }

  #attempt(call: OutboundCall): Promise<{ answer: OutboundAnswer; stale: false } | { answer?: never; stale: true }> {
    return new Promise((resolve, reject) => {
      if (call.signal.aborted) {
        reject(call.signal.reason);
        return;
      }
      let outgoing: ReturnType<typeof httpsRequest>;
      try {
        outgoing = httpsRequest(call.url, this.#options(call));
      } catch (error) {
        reject(goNetworkError(error, call));
        return;
      }
      const stop = () => outgoing.destroy();
      const settle = <T>(then: (value: T) => void, value: T) => {
        call.signal.removeEventListener('abort', stop);
        then(value);
      };
      call.signal.addEventListener('abort', stop, { once: true });
      outgoing.on('response', (incoming) => {
        readAll(incoming).then(
          (body) =>
            settle(resolve, {
              answer: { status: incoming.statusCode ?? 502, headers: headersOf(incoming), body },
              stale: false,
            }),
          (error) => settle(reject, call.signal.aborted ? call.signal.reason : goNetworkError(error, call)),
        );
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        if (call.signal.aborted) settle(reject, call.signal.reason);
        else if (outgoing.reusedSocket && error.code === 'ECONNRESET') settle(resolve, { stale: true });
        else settle(reject, goNetworkError(error, call));
      });
      outgoing.end(call.body);
    });
  }

  #options(call: OutboundCall): RequestOptions {
    const { hostname } = new URL(call.url);
    const { connectTo, caPem, insecureSkipTLSVerify } = call;
    const name = call.serverName ?? hostname.replace(/^\[|\]$/g, '');
    return {
      method: call.method,
      agent: this.#agent,
      headers: {
        host: new URL(call.url).host,
        ...call.headers,
        ...(call.body === undefined ? {} : { 'content-length': String(call.body.length) }),
      },
      ...(connectTo === undefined ? {} : { hostname: connectTo.host, port: connectTo.port }),
      // TLS names no addresses; the certificate is checked against the address itself.
      ...(isAddress(name) ? {} : { servername: name }),
      ...(caPem === undefined ? {} : { ca: caPem }),
      ...(insecureSkipTLSVerify ? { rejectUnauthorized: false } : {}),
      ...(call.identity === 'frontProxy' && this.#frontProxy
        ? { cert: this.#frontProxy.certPem, key: this.#frontProxy.keyPem }
        : {}),
    };
  }
}

export const isAddress = (host: string): boolean => /^[\d.]+$/.test(host) || host.includes(':');

async function readAll(incoming: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > maxAnswerBytes) throw new Error(`the answer is larger than ${maxAnswerBytes} bytes`);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size);
}

function headersOf(incoming: IncomingMessage): WireHeaders {
  const headers: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(incoming.headers)) if (value !== undefined) headers[name] = value;
  return headers;
}
