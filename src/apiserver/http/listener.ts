/**
 * HTTP/1.1 and HTTP/2 over TLS on one port, as Go clients expect them. Client certificates are asked for, never demanded.
 *
 * A connection is HTTP/2 when ALPN says so. Every open request is in `#open`, from its head to the close of its stream:
 * `stop` aborts what is left there, so that watches end cleanly before the connections do.
 */
import { createServer as createHttp1Server, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';
import { newRequestEntityTooLarge, newUnauthorized } from '../../machinery/status/errors.ts';
import type { Handler, WireRequest, WireResponse } from '../../machinery/wire.ts';
import { statusResponse } from '../filters/status-response.ts';
import { bundleOf, connectionPeer, type Peer, type PeerAuthorities } from './peer.ts';
import { type Exchange, http1Exchange, http2Exchange, readBody, SocketRequest } from './exchange.ts';
import { KubeletConnections, type KubeletCredentials } from './kubelet-connections.ts';
import type { OutboundIdentity } from './outbound.ts';
import { proxyPlain, proxyStreamToWebSocket, proxyUpgrade } from './proxy.ts';
import { ResetBudget } from './reset-budget.ts';
import { respond } from './respond.ts';
import { asksForWebSocket, watchOverWebSocket } from './websocket-output.ts';

export interface ListenerOptions {
  /** One or more addresses to listen at, all with the same port. */
  readonly bindAddresses: readonly string[];
  /** 0: any free one. */
  readonly port: number;
  readonly certPem: string;
  readonly keyPem: string;
  /** PEM; clients' certificates are verified against it. */
  readonly clientCaPem?: string;
  /** PEM; front proxies' certificates are verified against it. */
  readonly requestheaderClientCaPem?: string;
  /** For proxied requests with trust `kubelet`. */
  readonly kubelet?: KubeletCredentials;
  /** For proxied requests with trust `frontProxy`. */
  readonly frontProxy?: OutboundIdentity;
  /** What went wrong on a connection and changed no answer. */
  readonly onError?: (error: unknown, what: string) => void;
}

/** Upstream's settings (apiserver/pkg/server/secure_serving.go); Node's own differ in each. */
const windowBytes = 256 * 1024;
const connectionWindowBytes = 25 * 1024 * 1024;
const maxStreams = 250;
const idleMs = 90_000;
/** Until the head of an HTTP/1.1 request is there (upstream: ReadHeaderTimeout). */
const headMs = 32_000;
const bodyLimitBytes = 3 * 1024 * 1024;
const maxHeaderBytes = 1024 * 1024;

const http2Options = {
  settings: {
    initialWindowSize: windowBytes,
    maxFrameSize: windowBytes,
    maxConcurrentStreams: maxStreams,
    maxHeaderListSize: maxHeaderBytes,
  },
  // MB. A session whose slow watchers hold more is told to calm down; Node's 10 is reached by a few big lists.
  maxSessionMemory: 256,
} as const;

export class Listener {
  readonly #options: ListenerOptions;
  readonly #handler: Handler;
  readonly #servers: TlsServer[] = [];
  readonly #http1: Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #sockets = new Set<Socket>();
  readonly #open = new Set<SocketRequest>();
  /** HTTP/1.1 connections between two requests: nothing is lost by closing them. */
  readonly #idle = new Set<Socket>();
  readonly #peers = new WeakMap<TLSSocket, Peer>();
  readonly #authorities: PeerAuthorities;
  readonly #kubelets: KubeletConnections;
  #port = 0;
  #stopping = false;

  constructor(options: ListenerOptions, handler: Handler) {
    this.#options = options;
    this.#handler = handler;
    this.#authorities = {
      clients: bundleOf(options.clientCaPem),
      frontProxies: bundleOf(options.requestheaderClientCaPem),
    };
    this.#kubelets = new KubeletConnections(options.kubelet, options.frontProxy);
    this.#http1 = createHttp1Server({ maxHeaderSize: maxHeaderBytes, requestTimeout: 0, keepAliveTimeout: idleMs });
    this.#http1.timeout = headMs;
    this.#http1.on('request', (request, response) => void this.#onHttp1(request, response));
    this.#http1.on('upgrade', (request, socket, head) => void this.#onUpgrade(request, socket, head));
    this.#http1.on('clientError', (error, socket) => refuseMalformed(error, socket));
  }

  /** The port that was bound. */
  get port(): number {
    return this.#port;
  }

  /** How many requests are open, watches among them. */
  get openRequests(): number {
    return this.#open.size;
  }

  /** Rejects with the system's `code` when an address or the port cannot be had; then nothing listens. */
  async start(): Promise<void> {
    try {
      await this.#listen();
    } catch (error) {
      await this.stop(0);
      throw error;
    }
  }

  async #listen(): Promise<void> {
    this.#port = this.#options.port;
    const { clientCaPem, requestheaderClientCaPem } = this.#options;
    const authorities = [clientCaPem, requestheaderClientCaPem].filter((pem) => pem !== undefined);
    for (const address of this.#options.bindAddresses) {
      const server = createTlsServer(
        {
          cert: this.#options.certPem,
          key: this.#options.keyPem,
          ...(authorities.length === 0 ? {} : { ca: authorities }),
          requestCert: authorities.length > 0,
          rejectUnauthorized: false,
          ALPNProtocols: ['h2', 'http/1.1'],
          minVersion: 'TLSv1.2',
          noDelay: true,
        },
        (socket) => this.#onConnection(socket),
      );
      server.on('tlsClientError', (_error, socket) => socket.destroy());
      await listen(server, address, this.#port);
      // Out of file descriptors, for example: the connection is lost, the listener is not.
      server.on('error', (error) => this.#options.onError?.(error, `listening at ${address}:${this.#port}`));
      this.#port = (server.address() as AddressInfo).port;
      this.#servers.push(server);
    }
  }

  /** Refuses new connections, ends watches, says GOAWAY, and cuts what has not ended after `graceMs`. */
  async stop(graceMs = 1500): Promise<void> {
    this.#stopping = true;
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const request of this.#open) request.abort();
    for (const session of this.#sessions) session.close();
    for (const socket of this.#idle) socket.destroy();
    const cut = setTimeout(() => {
      for (const session of this.#sessions) session.destroy();
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    await Promise.all(closed);
    clearTimeout(cut);
    this.#kubelets.close();
  }

  #onConnection(socket: TLSSocket): void {
    this.#sockets.add(socket);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#idle.delete(socket);
    });
    socket.on('error', () => socket.destroy());
    if (socket.alpnProtocol === 'h2') this.#onHttp2Connection(socket);
    else {
      this.#idle.add(socket);
      this.#http1.emit('connection', socket);
    }
  }

  #onHttp2Connection(socket: TLSSocket): void {
    const session = performServerHandshake(socket, http2Options);
    this.#sessions.add(session);
    let streams = 0;
    const resets = new ResetBudget(performance.now());
    session.setLocalWindowSize(connectionWindowBytes);
    session.setTimeout(idleMs, () => {
      if (streams === 0) session.close();
    });
    session.on('error', () => session.destroy());
    session.on('close', () => this.#sessions.delete(session));
    // The types of Node leave out the last argument.
    session.on('stream', (stream: ServerHttp2Stream, headers: object, ...more: unknown[]) => {
      const rawHeaders = more[1] as readonly string[];
      streams++;
      stream.on('close', () => {
        streams--;
        if (stream.rstCode !== 0 && !resets.spend(performance.now())) session.close();
      });
      void this.#onStream(socket, stream, headers as Record<string, string | undefined>, rawHeaders);
    });
  }

  async #onStream(
    socket: TLSSocket,
    stream: ServerHttp2Stream,
    headers: Record<string, string | undefined>,
    rawHeaders: readonly string[],
  ): Promise<void> {
    stream.on('error', () => {});
    const method = headers[':method'] ?? 'GET';
    const exchange = http2Exchange(stream, method, headers['accept-encoding']);
    const read = stream.endAfterHeaders ? { body: undefined } : await readBody(stream, bodyLimitBytes);
    if ('problem' in read) {
      if (read.problem === 'too large') {
        await this.#refuseTooLarge(exchange);
        stream.close();
      }
      return;
    }
    const peer = this.#peer(socket);
    const request = new SocketRequest({
      method,
      url: headers[':path'] ?? '/',
      headers,
      body: read.body,
      peerCertificate: peer.certificate,
      frontProxy: peer.frontProxy,
      rawHeaders,
      remoteAddress: socket.remoteAddress,
    });
    this.#track(request, stream);
    await this.#serve(request, exchange, peer);
  }

  async #onHttp1(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const socket = incoming.socket as TLSSocket;
    // From here on the request has its own deadlines; a watch has none.
    socket.setTimeout(0);
    this.#idle.delete(socket);
    response.on('close', () => {
      if (this.#stopping) socket.end();
      else if (!socket.destroyed) this.#idle.add(socket);
    });
    const exchange = http1Exchange(incoming, response);
    const read = await readBody(incoming, bodyLimitBytes);
    if ('problem' in read) {
      if (read.problem === 'too large') {
        response.setHeader('connection', 'close');
        await this.#refuseTooLarge(exchange);
      }
      return;
    }
    const request = this.#http1Request(incoming, socket, read.body);
    this.#track(request, response);
    await this.#serve(request, exchange, this.#peer(socket));
  }

  /** exec, attach, port-forward: the chain decides, then bytes go both ways. */
  async #onUpgrade(incoming: IncomingMessage, duplex: Duplex, head: Buffer): Promise<void> {
    const socket = duplex as TLSSocket;
    socket.setTimeout(0);
    this.#idle.delete(socket);
    socket.on('error', () => socket.destroy());
    const request = this.#http1Request(incoming, socket, undefined, true);
    this.#track(request, socket);
    const response = await this.#answer(request, this.#peer(socket));
    const kubelets = this.#kubelets;
    const overWebSocket = asksForWebSocket(incoming);
    if (response.kind === 'proxy') {
      const { target } = response;
      if (overWebSocket && target.streams) await proxyStreamToWebSocket({ incoming, socket, head, target, kubelets });
      else await proxyUpgrade({ incoming, socket, head, target, kubelets });
      return;
    }
    if (overWebSocket && response.kind === 'watch') {
      const isText = String(response.headers['content-type']).startsWith('application/json');
      await watchOverWebSocket({ incoming, socket, head }, response.frames, isText);
      return;
    }
    const plain = new ServerResponse(incoming);
    plain.assignSocket(socket);
    plain.shouldKeepAlive = false;
    plain.on('finish', () => socket.end());
    await respond(http1Exchange(incoming, plain), response, () => request.signal);
  }

  #http1Request(incoming: IncomingMessage, socket: TLSSocket, body: Uint8Array | undefined, upgrade = false) {
    const peer = this.#peer(socket);
    return new SocketRequest({
      method: incoming.method ?? 'GET',
      url: incoming.url ?? '/',
      headers: incoming.headers as Record<string, string | undefined>,
      body,
      peerCertificate: peer.certificate,
      frontProxy: peer.frontProxy,
      rawHeaders: incoming.rawHeaders,
      remoteAddress: socket.remoteAddress,
      upgrade,
    });
  }

  /** Aborts the request when its stream closes: by an answer that is complete, by a reset, or with the connection. */
  #track(request: SocketRequest, stream: { once(event: 'close', listener: () => void): unknown }): void {
    this.#open.add(request);
    stream.once('close', () => {
      this.#open.delete(request);
      request.abort();
    });
  }

  async #serve(request: SocketRequest, exchange: Exchange, peer: Peer): Promise<void> {
    try {
      const response = await this.#answer(request, peer);
      if (response.kind === 'proxy') await proxyPlain(exchange, response.target, this.#kubelets, request.signal);
      else await respond(exchange, response, () => request.signal);
    } catch (error) {
      if (!request.signal.aborted) this.#options.onError?.(error, `answering ${request.method} ${request.url}`);
      exchange.destroy();
    }
  }

  async #answer(request: WireRequest, peer: Peer): Promise<WireResponse> {
    // A certificate that nobody we trust has signed proves nothing; alone it is a failed authentication.
    if (peer.unverified && request.headers.authorization === undefined)
      return statusResponse(newUnauthorized('Unauthorized'));
    return this.#handler(request);
  }

  async #refuseTooLarge(exchange: Exchange): Promise<void> {
    const response = statusResponse(newRequestEntityTooLarge(`limit is ${bodyLimitBytes}`));
    await respond(exchange, response, () => new AbortController().signal);
  }

  #peer(socket: TLSSocket): Peer {
    let peer = this.#peers.get(socket);
    if (peer === undefined) {
      peer = connectionPeer(socket, this.#authorities);
      this.#peers.set(socket, peer);
    }
    return peer;
  }
}

function listen(server: TlsServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE' ? 'the port is in use: choose another one with --secure-port' : error.message;
      const failed = new Error(`listening at ${host}:${port} failed: ${why}`, { cause: error });
      // Composition roots have words of their own for each reason.
      reject(Object.assign(failed, { code: error.code }));
    };
    server.once('error', refuse);
    server.listen({ host, port }, () => {
      server.off('error', refuse);
      resolve();
    });
  });
}

/** What Go's server answers to what is no HTTP. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`);
}
