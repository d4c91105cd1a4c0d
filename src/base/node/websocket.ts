/** Accepting WebSockets with the names that Kubernetes uses. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

/** ws refuses names that are no token of RFC 7230 (they hold a slash), so it is shown none and ours is put in its answer. */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  subprotocol: string,
): Promise<WebSocket> {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 64 << 20 });
  delete request.headers['sec-websocket-protocol'];
  server.on('headers', (headers) => {
    if (subprotocol !== '') headers.push(`Sec-WebSocket-Protocol: ${subprotocol}`);
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    server.on('wsClientError', (error) => reject(error));
    server.handleUpgrade(request, socket, head, (webSocket) => {
      sockets.set(webSocket, socket);
      resolve(webSocket);
    });
  });
}

const sockets = new WeakMap<WebSocket, Duplex>();

/**
 * Closes it, and its connection behind the closing frame, as upstream's server does: some clients wait for the end of the
 * connection and never answer the frame. What was written before still arrives.
 */
export function endWebSocket(webSocket: WebSocket, code: number): void {
  webSocket.close(code);
  sockets.get(webSocket)?.end();
}

/** Writes; false when so much is waiting that the sender should pause until `drained`. */
export function sendMessage(webSocket: WebSocket, data: Uint8Array | string, drained: () => void): boolean {
  if (webSocket.readyState !== webSocket.OPEN) return true;
  const full = webSocket.bufferedAmount > highWaterBytes;
  webSocket.send(data, () => {
    if (full && webSocket.bufferedAmount <= highWaterBytes) drained();
  });
  return !full;
}

const highWaterBytes = 1 << 20;
