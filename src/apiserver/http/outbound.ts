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
      const over = () => call.signal.removeEventListener('abort', stop);
      call.signal.addEventListener('abort', stop, { once: true });
      outgoing.on('response', (incoming) => {
        const chunks = chunksOf(incoming, call, over);
        resolve({ answer: { status: incoming.statusCode ?? 502, headers: headersOf(incoming), chunks }, stale: false });
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        over();
        if (call.signal.aborted) reject(call.signal.reason);
        else if (outgoing.reusedSocket && error.code === 'ECONNRESET') resolve({ stale: true });
        else reject(goNetworkError(error, call));
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

/** The body, until the caller's signal says that nobody wants more of it. */
async function* chunksOf(incoming: IncomingMessage, call: OutboundCall, over: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* incoming;
  } catch (error) {
    throw call.signal.aborted ? call.signal.reason : goNetworkError(error, call);
  } finally {
    over();
  }
}

function headersOf(incoming: IncomingMessage): WireHeaders {
  const headers: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(incoming.headers)) if (value !== undefined) headers[name] = value;
  return headers;
}
