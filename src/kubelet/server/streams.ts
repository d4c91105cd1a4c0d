/** /exec, /attach and /portForward: the upgrade of a client, WebSocket or SPDY, led to the runtime's streaming URL. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { messageOf } from '../../base/errors.ts';
import type { RuntimeService, StreamOptions } from '../runtime/runtime.ts';
import {
  chooseCommandProtocol,
  offeredProtocols,
  portForwardProtocol,
  tunneledPortForward,
} from '../streaming/protocols.ts';
import { bridgePortForward, choosePortForwardProtocol, forwardedPorts } from '../streaming/port-forward.ts';
import { bridgeRemoteCommand } from '../streaming/remote-command.ts';
import { tunnelSocket, tunnelWebSocket } from '../streaming/tunnel.ts';
import { acceptWebSocket } from '../../base/node/websocket.ts';
import { HttpError } from './http-error.ts';
import type { ServedPods } from './served-pods.ts';

export interface StreamDeps {
  readonly pods: ServedPods;
  readonly runtime: RuntimeService;
}

/** Resolves when the stream is over. Rejects with an HttpError while the client can still be told by HTTP. */
export async function serveStream(
  url: URL,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  deps: StreamDeps,
): Promise<void> {
  const [, action = '', namespace = '', podName = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
  const pod = deps.pods.get(namespace, podName);
  if (!pod) throw new HttpError(404, `pod "${podName}" not found`);
  if (action === 'portForward') {
    const sandbox = await deps.pods.sandboxId(pod);
    if (!sandbox) throw new HttpError(500, `pod "${podName}" has no sandbox yet`);
    const open = () => refusable(deps.runtime.portForward(sandbox, []));
    return forwardPorts(url, request, socket, head, open);
  }
  // Upstream's paths may hold the pod's UID before the container.
  const containerName = rest.at(-1) ?? '';
  const container = await deps.pods.container(pod, containerName, false);
  if (!container) throw new HttpError(404, `container not found ("${containerName}")`);
  if (!container.running) throw new HttpError(400, `container "${containerName}" is not running`);
  const options = streamOptions(url.searchParams);
  const open = () =>
    refusable(
      action === 'exec'
        ? deps.runtime.exec(container.id, url.searchParams.getAll('command'), options)
        : deps.runtime.attach(container.id, options),
    );
  return runCommand(request, socket, head, options, open);
}

async function runCommand(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: StreamOptions,
  open: () => Promise<string>,
): Promise<void> {
  if (!isWebSocket(request)) {
    const offers = offeredProtocols(headerText(request, 'x-stream-protocol-version'));
    return tunnelSocket(socket, head, await open(), offers);
  }
  const offers = offeredProtocols(request.headers['sec-websocket-protocol']);
  const protocol = chooseCommandProtocol(offers);
  if (!protocol) throw new HttpError(400, `unsupported sub-protocols: ${offers.join(', ')}`);
  // Asked before the client is answered: a refusal can still be told by HTTP.
  const target = await open();
  const webSocket = await acceptWebSocket(request, socket, head, protocol.name);
  await bridgeRemoteCommand(webSocket, protocol, target, options);
}

async function forwardPorts(
  url: URL,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  open: () => Promise<string>,
): Promise<void> {
  if (!isWebSocket(request)) return tunnelSocket(socket, head, await open(), [portForwardProtocol]);
  const offers = offeredProtocols(request.headers['sec-websocket-protocol']);
  if (!offers.includes(tunneledPortForward)) return forwardChannels(url, offers, request, socket, head, open);
  const target = await open();
  const webSocket = await acceptWebSocket(request, socket, head, tunneledPortForward);
  await tunnelWebSocket(webSocket, target, [portForwardProtocol]);
}

/** A WebSocket client that has a channel for each port of the query. */
async function forwardChannels(
  url: URL,
  offers: readonly string[],
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  open: () => Promise<string>,
): Promise<void> {
  const protocol = choosePortForwardProtocol(offers);
  if (!protocol)
    throw new HttpError(
      400,
      `unsupported sub-protocols: ${offers.join(', ')}; want ${tunneledPortForward} or a v4 channel`,
    );
  let ports: number[];
  try {
    ports = forwardedPorts(url.searchParams);
  } catch (error) {
    throw new HttpError(400, messageOf(error));
  }
  const target = await open();
  const webSocket = await acceptWebSocket(request, socket, head, protocol.name);
  await bridgePortForward(webSocket, protocol, target, ports);
}

/** The runtime's refusal, in its words. */
async function refusable(url: Promise<string>): Promise<string> {
  try {
    return await url;
  } catch (error) {
    throw new HttpError(500, messageOf(error));
  }
}

function streamOptions(query: URLSearchParams): StreamOptions {
  // The API server maps stdin to input and so on, as upstream's does; `1` and `true` both count.
  const on = (...names: string[]) => names.some((name) => ['1', 'true'].includes(query.get(name) ?? ''));
  const options = {
    stdin: on('input', 'stdin'),
    stdout: on('output', 'stdout'),
    stderr: on('error', 'stderr'),
    tty: on('tty'),
  };
  if (!options.stdin && !options.stdout && !options.stderr)
    throw new HttpError(400, 'you must specify at least 1 of stdin, stdout, stderr');
  return options.tty ? { ...options, stderr: false } : options;
}

const isWebSocket = (request: IncomingMessage) => /websocket/i.test(request.headers.upgrade ?? '');

function headerText(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}
