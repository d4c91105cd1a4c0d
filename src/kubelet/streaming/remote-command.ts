/**
 * exec and attach for a WebSocket client: each channel becomes a SPDY stream of the runtime's.
 *
 *   client  --WebSocket, a byte of channel a message-->  here  --SPDY, a stream a channel-->  runtime
 *
 * Order at the end matters to clients: all output first, then the Status on the error channel, then the close.
 */
import type { WebSocket } from 'ws';
import { messageOf } from '../../base/errors.ts';
import type { StreamOptions } from '../runtime/runtime.ts';
import { channel, type CommandProtocol, runtimeCommandProtocols } from './protocols.ts';
import { SpdyConnection, type SpdyStream } from './spdy/connection.ts';
import { upgradeToSpdy } from './spdy/upgrade.ts';
import { endWebSocket, sendMessage } from '../../base/node/websocket.ts';

/** How long the runtime may take to accept the upgrade. */
const upgradeTimeoutMs = 30_000;
const closeNormal = 1000;

/** Resolves when both sides are closed. `url` is the runtime's, for one use. */
export async function bridgeRemoteCommand(
  webSocket: WebSocket,
  protocol: CommandProtocol,
  url: string,
  options: StreamOptions,
): Promise<void> {
  // Input that comes while the runtime is still being asked must not be lost.
  const early: Buffer[] = [];
  const keep = (data: Buffer) => early.push(data);
  webSocket.on('message', keep);
  let runtime: SpdyConnection;
  let runtimeProtocol: string;
  try {
    const { socket, head, response } = await upgradeToSpdy(url, runtimeCommandProtocols, upgradeTimeoutMs);
    runtimeProtocol = String(response.headers['x-stream-protocol-version'] ?? 'channel.k8s.io');
    runtime = new SpdyConnection(socket, head);
  } catch (error) {
    send(webSocket, protocol, channel.error, Buffer.from(JSON.stringify(internalError(messageOf(error)))), () => {});
    endWebSocket(webSocket, closeNormal);
    return;
  }
  const closed = new Promise<void>((resolve) => {
    webSocket.once('close', () => runtime.close());
    webSocket.once('error', () => runtime.close());
    runtime.once('close', () => resolve());
  });

  const error = await runtime.open({ streamtype: 'error' });
  const stdin = options.stdin ? await runtime.open({ streamtype: 'stdin' }) : undefined;
  const stdout = options.stdout ? await runtime.open({ streamtype: 'stdout' }) : undefined;
  const stderr = options.stderr && !options.tty ? await runtime.open({ streamtype: 'stderr' }) : undefined;
  const resizes = options.tty && runtimeProtocol !== 'v2.channel.k8s.io' && runtimeProtocol !== 'channel.k8s.io';
  const resize = resizes ? await runtime.open({ streamtype: 'resize' }) : undefined;

  const outputs = [forward(stdout, channel.stdout), forward(stderr, channel.stderr)];
  const status = collect(error);
  webSocket.off('message', keep);
  for (const message of early) onMessage(message);
  webSocket.on('message', onMessage);
  runtime.on('drain', () => webSocket.resume());

  const [statusBytes] = await Promise.all([status, ...outputs]);
  if (protocol.status) {
    // A runtime of an older version says nothing for success.
    const text = statusBytes.length > 0 ? statusBytes : Buffer.from('{"metadata":{},"status":"Success"}');
    send(webSocket, protocol, channel.error, text, () => {});
  } else if (statusBytes.length > 0) {
    const message = failureMessage(statusBytes);
    if (message !== undefined) send(webSocket, protocol, channel.error, Buffer.from(message), () => {});
  }
  endWebSocket(webSocket, closeNormal);
  runtime.close();
  await closed;

  function onMessage(data: Buffer): void {
    if (data.length === 0) return;
    // base64 protocols name the channel by a digit.
    const number = protocol.base64 ? data[0]! - 48 : data[0]!;
    const payload = protocol.base64 ? Buffer.from(data.toString('latin1', 1), 'base64') : data.subarray(1);
    if (number === channel.close && protocol.closesStdin) {
      if (payload[0] === channel.stdin) stdin?.end();
      return;
    }
    const target = number === channel.stdin ? stdin : number === channel.resize ? resize : undefined;
    if (target && !target.write(payload)) webSocket.pause();
  }

  /** Resolves when the stream has ended and all of it was handed on. */
  function forward(stream: SpdyStream | undefined, number: number): Promise<void> {
    if (!stream) return Promise.resolve();
    stream.on('data', (data: Buffer) => {
      if (!send(webSocket, protocol, number, data, () => runtime.resume())) runtime.pause();
    });
    return new Promise((resolve) => stream.once('end', resolve));
  }
}

function collect(stream: SpdyStream): Promise<Buffer> {
  const parts: Buffer[] = [];
  stream.on('data', (data: Buffer) => parts.push(data));
  return new Promise((resolve) => stream.once('end', () => resolve(Buffer.concat(parts))));
}

function send(
  webSocket: WebSocket,
  protocol: CommandProtocol,
  number: number,
  data: Buffer,
  drained: () => void,
): boolean {
  const message = protocol.base64
    ? `${number}${data.toString('base64')}`
    : Buffer.concat([Uint8Array.of(number), data]);
  return sendMessage(webSocket, message, drained);
}

/** The text for clients that know no Status; undefined for success. */
function failureMessage(statusBytes: Buffer): string | undefined {
  const text = statusBytes.toString();
  try {
    const status = JSON.parse(text) as { readonly status?: string; readonly message?: string };
    return status.status === 'Success' ? undefined : (status.message ?? text);
  } catch {
    return text;
  }
}

const internalError = (message: string) => ({
  metadata: {},
  status: 'Failure',
  message: `Internal error occurred: ${message}`,
  reason: 'InternalError',
  details: { causes: [{ message }] },
  code: 500,
});
