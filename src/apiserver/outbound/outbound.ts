/**
 * Connections that the API server opens: to webhooks and to aggregated API servers. The platform's part is handed in
 * (`http/outbound.ts` on Node); everything portable speaks of an `Outbound`.
 */
import type { WireHeaders } from '../../machinery/wire.ts';

/** Whom a connection is made to and how the other end proves itself. */
export interface OutboundPeer {
  /** Where to connect, in place of the URL's host. */
  readonly connectTo?: { readonly host: string; readonly port: number };
  /** The name that the certificate must be for, in place of the URL's host. */
  readonly serverName?: string;
  /** PEM that the certificate is verified against; absent: what the platform trusts. */
  readonly caPem?: string;
  readonly insecureSkipTLSVerify?: boolean;
}

export interface OutboundCall extends OutboundPeer {
  /** As it is told in errors: `https://hook.default.svc:443/mutate?timeout=10s`. */
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** `frontProxy`: show the certificate that aggregated API servers know us by. */
  readonly identity?: 'frontProxy';
  /** Aborted: the connection is given up and the call rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

export interface OutboundAnswer {
  readonly status: number;
  readonly headers: WireHeaders;
  /** The body as it comes. To be read to its end, or left early, once. */
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Rejects with an Error whose message says what failed in the words of Go's net package. Connections are kept. */
export type Outbound = (call: OutboundCall) => Promise<OutboundAnswer>;

/** Answers of webhooks and discovery documents are never larger. */
const maxAnswerBytes = 32 * 1024 * 1024;

/** The whole body. Throws when it is too large, or breaks off. */
export async function readAnswer({ chunks }: OutboundAnswer): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    size += chunk.length;
    if (size > maxAnswerBytes) throw new Error(`the answer is larger than ${maxAnswerBytes} bytes`);
  }
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** For servers that were given no way out. */
export const noOutbound: Outbound = async ({ url }) => {
  throw new Error(`connecting to ${url}: this API server has no outbound connections`);
};
