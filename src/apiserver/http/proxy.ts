/** Requests that a target answers: kubelets for logs, exec, attach and port-forward; nodes, pods and services by proxy. */
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { messageOf } from '../../base/errors.ts';
import { newServiceUnavailable } from '../../machinery/status/errors.ts';
import type { ProxyTarget, WireHeaders, WireResponse } from '../../machinery/wire.ts';
import { statusResponse } from '../filters/status-response.ts';
import { type Exchange, http1Exchange } from './exchange.ts';
import { rewriteHtml, rewriteUrl } from '../proxy/rewrite-links.ts';
import type { KubeletConnections } from './kubelet-connections.ts';
import { respond } from './respond.ts';
import { bytesOverWebSocket } from './websocket-output.ts';

/** Headers that belong to one connection (RFC 9110 section 7.6.1). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Sends the target's answer to the client as it comes. A target that cannot be reached is a 503 Status. */
export async function proxyPlain(
  exchange: Exchange,
  target: ProxyTarget,
  kubelets: KubeletConnections,
  signal: AbortSignal,
): Promise<void> {
  const outgoing = kubelets.request(target, { ...target.headers } as Record<string, string | string[]>, false);
  const stop = () => outgoing.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.on('response', resolve).on('error', reject);
      outgoing.end(target.body);
    });
    const status = answer.statusCode ?? 502;
    if (target.failure !== undefined && (status < 200 || status > 206)) {
      const response = target.failure(status, await textOf(answer));
      if (response.kind !== 'proxy') await respond(exchange, response, () => signal);
      return;
    }
    if (target.pathPrefix !== undefined && (await sendRewritten(exchange, answer, target, target.pathPrefix))) return;
    exchange.sendHead(status, endToEnd(answer), exchange.method === 'HEAD');
    if (exchange.method !== 'HEAD') await pipeline(answer, exchange.out);
  } catch (error) {
    if (signal.aborted) return;
    if (exchange.out.destroyed || headSent(exchange)) exchange.destroy();
    else await respond(exchange, unreachable(error), () => signal);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Pages are small; one that is larger is handed on as it is. */
const maxPageBytes = 4 * 1024 * 1024;

/** Answers with links that lead through the proxy; false: there is nothing to rewrite, and nothing was sent. */
async function sendRewritten(
  exchange: Exchange,
  answer: IncomingMessage,
  target: ProxyTarget,
  prefix: string,
): Promise<boolean> {
  const { location } = answer.headers;
  const options = { prefix, targetHost: new URL(target.url).host };
  if (location !== undefined) answer.headers.location = rewriteUrl(location, options);
  const isPage = answer.headers['content-type']?.startsWith('text/html') === true;
  const length = Number(answer.headers['content-length'] ?? 0);
  if (
    !isPage ||
    answer.headers['content-encoding'] !== undefined ||
    length > maxPageBytes ||
    exchange.method === 'HEAD'
  )
    return false;
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  // Bytes as code units: nothing of a page in another encoding is lost.
  const page = Buffer.from(rewriteHtml(Buffer.concat(chunks).toString('latin1'), options), 'latin1');
  exchange.sendHead(answer.statusCode ?? 502, { ...endToEnd(answer), 'content-length': String(page.length) }, false);
  exchange.out.end(page);
  return true;
}

/** Of a failure's text, no more is read than upstream does. */
const maxFailureBytes = 50_000;

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    chunks.push(chunk);
    size += (chunk as Buffer).length;
    if (size > maxFailureBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxFailureBytes).toString('utf8');
}

function headSent(exchange: Exchange): boolean {
  return (exchange.out as { headersSent?: boolean }).headersSent === true;
}

const unreachable = (error: unknown) =>
  statusResponse(newServiceUnavailable(`error trying to reach service: ${messageOf(error)}`));

function endToEnd(answer: IncomingMessage): WireHeaders {
  const headers: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(answer.headers))
    if (value !== undefined && !hopByHop.has(name)) headers[name] = value;
  return headers;
}

export interface UpgradeProxy {
  readonly incoming: IncomingMessage;
  readonly socket: TLSSocket;
  /** What the client sent behind its request already. */
  readonly head: Buffer;
  readonly target: ProxyTarget;
  readonly kubelets: KubeletConnections;
}

/** Hands the client's upgrade on: a 101 joins the two connections, any other answer is relayed. Resolves at the end. */
export function proxyUpgrade({ incoming, socket, head, target, kubelets }: UpgradeProxy): Promise<void> {
  return new Promise((resolve) => {
    const headers = { ...target.headers, ...upgradeHeaders(incoming) } as Record<string, string | string[]>;
    const outgoing = kubelets.request(target, headers, true);
    socket.once('close', () => {
      outgoing.destroy();
      resolve();
    });
    outgoing.once('upgrade', (answer, upstream, rest) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${rawHeaderLines(answer)}\r\n`);
      if (rest.length > 0) socket.write(rest);
      if (head.length > 0) upstream.write(head);
      join(socket, upstream as Socket);
    });
    outgoing.once('response', (answer) => {
      const plain = new ServerResponse(incoming);
      plain.assignSocket(socket);
      plain.shouldKeepAlive = false;
      plain.writeHead(answer.statusCode ?? 502, endToEnd(answer) as Record<string, string | string[]>);
      pipeline(answer, plain).then(
        () => socket.end(),
        () => socket.destroy(),
      );
    });
    outgoing.once('error', (error) => {
      if (!socket.destroyed) void answerPlainly(incoming, socket, unreachable(error));
    });
    outgoing.end();
  });
}

/** Sends what the target answers, as it comes, over the client's WebSocket; a failure is answered without one. */
export async function proxyStreamToWebSocket({
  incoming,
  socket,
  head,
  target,
  kubelets,
}: UpgradeProxy): Promise<void> {
  const outgoing = kubelets.request(target, { ...target.headers } as Record<string, string | string[]>, false);
  socket.once('close', () => outgoing.destroy());
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.on('response', resolve).on('error', reject);
      outgoing.end(target.body);
    });
    const status = answer.statusCode ?? 502;
    if (status < 200 || status > 206) {
      const text = await textOf(answer);
      const failure = target.failure?.(status, text) ?? unreachable(new Error(text));
      if (failure.kind !== 'proxy') await answerPlainly(incoming, socket, failure);
    } else await bytesOverWebSocket({ incoming, socket, head }, answer);
  } catch (error) {
    if (!socket.destroyed) await answerPlainly(incoming, socket, unreachable(error));
  }
}

/** An ordinary answer to a request that asked for an upgrade. */
async function answerPlainly(
  incoming: IncomingMessage,
  socket: TLSSocket,
  response: Exclude<WireResponse, { kind: 'proxy' }>,
): Promise<void> {
  const plain = new ServerResponse(incoming);
  plain.assignSocket(socket);
  plain.shouldKeepAlive = false;
  plain.on('finish', () => socket.end());
  await respond(http1Exchange(incoming, plain), response, () => new AbortController().signal);
}

/** Everything of the handshake: Upgrade, Connection, and what SPDY and WebSocket add. */
function upgradeHeaders(incoming: IncomingMessage): Record<string, string | string[]> {
  const out: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(incoming.headersDistinct)) {
    if (value === undefined) continue;
    if (
      name === 'upgrade' ||
      name === 'connection' ||
      name.startsWith('sec-websocket-') ||
      name === 'x-stream-protocol-version'
    )
      out[name] = value;
  }
  return out;
}

/** As received: repeated headers and their case are kept. */
function rawHeaderLines(answer: IncomingMessage): string {
  let lines = '';
  for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2)
    lines += `${answer.rawHeaders[i]}: ${answer.rawHeaders[i + 1]}\r\n`;
  return lines;
}

/**
 * Copies both ways; the end of one direction ends that direction of the other side. What a side that has closed still sent
 * is delivered before the other is closed.
 */
function join(a: Socket, b: Socket): void {
  const fail = () => {
    a.destroy();
    b.destroy();
  };
  a.on('error', fail).on('close', () => b.destroySoon());
  b.on('error', fail).on('close', () => a.destroySoon());
  a.pipe(b);
  b.pipe(a);
}
