/**
 * Answers that flow (logs, watches) for clients that ask for them over a WebSocket, as pages in a browser do (upstream:
 * apimachinery util/httpstream/wsstream). One way only: what the client sends is not read.
 */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { WebSocket } from 'ws';
import { acceptWebSocket } from '../../base/node/websocket.ts';
import type { WatchFrame } from '../../machinery/wire.ts';

/** How bytes become messages, by the sub-protocol; the first one of the client's that is known is taken. */
const encodings = {
  '': (bytes: Uint8Array) => bytes,
  'binary.k8s.io': (bytes: Uint8Array) => bytes,
  'base64.binary.k8s.io': (bytes: Uint8Array) => Buffer.from(bytes).toString('base64'),
} as const;
type Subprotocol = keyof typeof encodings;

export interface WebSocketClient {
  readonly incoming: IncomingMessage;
  readonly socket: TLSSocket;
  readonly head: Buffer;
}

export function asksForWebSocket(incoming: IncomingMessage): boolean {
  return incoming.headers.upgrade?.toLowerCase() === 'websocket';
}

/** Sends a stream of bytes as messages, then closes. Rejects when the client speaks none of the sub-protocols. */
export async function bytesOverWebSocket(client: WebSocketClient, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const asked = subprotocols(client.incoming);
  const chosen = asked.length === 0 ? '' : asked.find((name): name is Subprotocol => name in encodings);
  if (chosen === undefined) throw new Error(`none of the sub-protocols ${asked.join(', ')} is known`);
  const webSocket = await accept(client, chosen);
  const encode = encodings[chosen];
  try {
    for await (const chunk of chunks) if (!(await send(webSocket, encode(chunk)))) return;
    webSocket.close(normalClosure);
  } catch {
    webSocket.close(brokenOff);
  }
}

/** Sends each event of a watch as a message of its own: text for JSON, binary for anything else. */
export async function watchOverWebSocket(
  client: WebSocketClient,
  frames: AsyncIterable<readonly WatchFrame[]>,
  isText: boolean,
): Promise<void> {
  const webSocket = await accept(client, subprotocols(client.incoming)[0] ?? '');
  for await (const batch of frames)
    for (const { bytes } of batch) if (!(await send(webSocket, isText ? Buffer.from(bytes).toString() : bytes))) return;
  webSocket.close(normalClosure);
}

const normalClosure = 1000;
const brokenOff = 1011;

async function accept({ incoming, socket, head }: WebSocketClient, subprotocol: string): Promise<WebSocket> {
  const webSocket = await acceptWebSocket(incoming, socket, head, subprotocol);
  webSocket.on('error', () => webSocket.terminate());
  return webSocket;
}

function subprotocols(incoming: IncomingMessage): string[] {
  return (incoming.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Resolves when it has left; false when nobody reads any more. */
function send(webSocket: WebSocket, data: Uint8Array | string): Promise<boolean> {
  if (webSocket.readyState !== webSocket.OPEN) return Promise.resolve(false);
  return new Promise((resolve) => webSocket.send(data, (error) => resolve(!error)));
}
