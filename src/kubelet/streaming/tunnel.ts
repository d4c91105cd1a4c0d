/** Whole SPDY connections handed through: as the socket's bytes, or inside the messages of a WebSocket. */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { type Upgraded, upgradeToSpdy } from './spdy/upgrade.ts';
import { sendMessage } from '../../base/node/websocket.ts';

const upgradeTimeoutMs = 30_000;

/**
 * A client that speaks SPDY itself: its bytes go to the runtime as they are. Rejects, with nothing written to the client,
 * when the runtime refuses.
 */
export async function tunnelSocket(
  client: Duplex,
  head: Buffer,
  url: string,
  protocols: readonly string[],
): Promise<void> {
  const runtime = await upgradeToSpdy(url, protocols, upgradeTimeoutMs);
  const chosen = runtime.response.headers['x-stream-protocol-version'];
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: SPDY/3.1'];
  if (chosen !== undefined) lines.push(`X-Stream-Protocol-Version: ${String(chosen)}`);
  client.write(`${lines.join('\r\n')}\r\n\r\n`);
  client.write(runtime.head);
  runtime.socket.write(head);
  client.pipe(runtime.socket);
  runtime.socket.pipe(client);
  await whenEitherCloses(client, runtime.socket);
}

/** kubectl's port-forward: a SPDY connection in binary messages. */
export async function tunnelWebSocket(webSocket: WebSocket, url: string, protocols: readonly string[]): Promise<void> {
  const early: Buffer[] = [];
  const keep = (data: Buffer) => early.push(data);
  webSocket.on('message', keep);
  let runtime: Upgraded;
  try {
    runtime = await upgradeToSpdy(url, protocols, upgradeTimeoutMs);
  } catch (error) {
    webSocket.close(1011, 'the runtime refused to stream');
    throw error;
  }
  const { socket, head } = runtime;
  webSocket.off('message', keep);
  const toRuntime = (data: Buffer) => {
    if (!socket.write(data)) webSocket.pause();
  };
  for (const message of early) toRuntime(message);
  webSocket.on('message', toRuntime);
  socket.on('drain', () => webSocket.resume());
  const toClient = (data: Buffer) => {
    if (!sendMessage(webSocket, data, () => socket.resume())) socket.pause();
  };
  if (head.length > 0) toClient(head);
  socket.on('data', toClient);
  socket.on('end', () => webSocket.close(1000));
  socket.on('error', () => webSocket.close(1011));
  webSocket.on('error', () => socket.destroy());
  await new Promise<void>((resolve) => webSocket.once('close', () => resolve()));
  socket.destroy();
}

function whenEitherCloses(a: Duplex, b: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      a.destroy();
      b.destroy();
      resolve();
    };
    for (const side of [a, b]) {
      side.once('close', end);
      side.once('error', end);
    }
  });
}
