/**
 * Port-forward for WebSocket clients that do not tunnel SPDY (the clients of Node, Python and Java): the ports are in the
 * query, and each has two channels.
 *
 *   client  --channel 2n: bytes of port n, channel 2n+1: its error-->  here  --a pair of SPDY streams a port-->  runtime
 *
 * The first message of every channel is its port, little-endian, as upstream's kubelet sends it.
 */
import type { WebSocket } from 'ws';
import { endWebSocket, sendMessage } from '../../base/node/websocket.ts';
import { portForwardProtocol } from './protocols.ts';
import { SpdyConnection, type SpdyStream } from './spdy/connection.ts';
import { upgradeToSpdy } from './spdy/upgrade.ts';

const upgradeTimeoutMs = 30_000;

export interface PortForwardProtocol {
  readonly name: string;
  /** Payloads are base64 text instead of bytes. */
  readonly base64: boolean;
}

const protocols: readonly PortForwardProtocol[] = [
  { name: 'v4.channel.k8s.io', base64: false },
  { name: 'v4.base64.channel.k8s.io', base64: true },
];

/** The first offer that is known; bytes without a name for a client that offers none; undefined when none is known. */
export function choosePortForwardProtocol(offers: readonly string[]): PortForwardProtocol | undefined {
  if (offers.length === 0) return { name: '', base64: false };
  return offers.flatMap((offer) => protocols.find(({ name }) => name === offer) ?? [])[0];
}

/** The ports of a request's query, in order. Throws an Error in words for the client. */
export function forwardedPorts(query: URLSearchParams): number[] {
  const texts = query.getAll('port').flatMap((text) => text.split(','));
  if (texts.length === 0) throw new Error('query parameter "port" is required');
  return texts.map((text) => {
    if (text === '') throw new Error('query parameter "port" cannot be empty');
    const port = Number(text);
    if (!/^\d+$/.test(text) || port > 65_535) throw new Error(`unable to parse ${JSON.stringify(text)} as a port`);
    if (port < 1) throw new Error(`port ${JSON.stringify(text)} must be > 0`);
    return port;
  });
}

/** Resolves when both sides are closed: with the last port's connection, or with the client. */
export async function bridgePortForward(
  webSocket: WebSocket,
  protocol: PortForwardProtocol,
  url: string,
  ports: readonly number[],
): Promise<void> {
  // What comes while the runtime is still being asked must not be lost.
  const early: Buffer[] = [];
  const keep = (data: Buffer) => early.push(data);
  webSocket.on('message', keep);
  let runtime: SpdyConnection;
  try {
    const { socket, head } = await upgradeToSpdy(url, [portForwardProtocol], upgradeTimeoutMs);
    runtime = new SpdyConnection(socket, head);
  } catch (error) {
    webSocket.close(1011, 'the runtime refused to stream');
    throw error;
  }
  const closed = new Promise<void>((resolve) => {
    webSocket.once('close', () => runtime.close());
    webSocket.once('error', () => runtime.close());
    runtime.once('close', () => resolve());
  });
  const send = (channel: number, data: Buffer): void => {
    const bytes = Buffer.concat([Uint8Array.of(channel), data]);
    // base64 protocols name the channel by a digit.
    const message = protocol.base64 ? `${channel}${data.toString('base64')}` : bytes;
    if (!sendMessage(webSocket, message, () => runtime.resume())) runtime.pause();
  };

  const pairs: { readonly data: SpdyStream; readonly over: Promise<unknown> }[] = [];
  for (const [i, port] of ports.entries()) {
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    send(2 * i, number);
    send(2 * i + 1, number);
    const headers = { port: String(port), requestid: String(i) };
    const error = await runtime.open({ ...headers, streamtype: 'error' });
    error.end(); // written to by the runtime alone
    const data = await runtime.open({ ...headers, streamtype: 'data' });
    data.on('data', (bytes: Buffer) => send(2 * i, bytes));
    error.on('data', (bytes: Buffer) => send(2 * i + 1, bytes));
    const over = [data, error].map((stream) => new Promise<void>((resolve) => stream.once('end', () => resolve())));
    pairs.push({ data, over: Promise.all(over) });
  }
  const onMessage = (message: Buffer): void => {
    if (message.length === 0) return;
    const channel = protocol.base64 ? message[0]! - 48 : message[0]!;
    const payload = protocol.base64 ? Buffer.from(message.toString('latin1', 1), 'base64') : message.subarray(1);
    const pair = channel % 2 === 0 ? pairs[channel / 2] : undefined;
    if (pair && payload.length > 0 && !pair.data.write(payload)) webSocket.pause();
  };
  webSocket.off('message', keep);
  for (const message of early) onMessage(message);
  webSocket.on('message', onMessage);
  runtime.on('drain', () => webSocket.resume());
  await Promise.race([Promise.all(pairs.map(({ over }) => over)), closed]);
  endWebSocket(webSocket, 1000);
  runtime.close();
  await closed;
}
