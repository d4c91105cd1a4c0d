/** The cluster's DNS server: UDP and TCP on one port, the zone from memory, other names forwarded. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { createServer, type Server, type Socket as TcpSocket } from 'node:net';
import { decode, encode, type Answer, type DecodedPacket, type Packet, type Question } from 'dns-packet';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { askServer } from './forward.ts';
import { Forwarder, type ForwarderOptions } from './forwarder.ts';
import type { DnsMetrics } from './metrics.ts';
import { answer, type DnsRecord, type ZoneOptions, type ZoneSource } from './zone.ts';

export interface DnsServerDeps {
  readonly clock: Clock;
  readonly log?: (message: string) => void;
  readonly metrics?: DnsMetrics;
}

export interface DnsServerOptions extends ZoneOptions, ForwarderOptions {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  /** Take any free one where `port` is taken. */
  readonly orAnyPort?: boolean;
}

const rcode = { noError: 0, formatError: 1, serverFailure: 2, nxDomain: 3, notImplemented: 4, refused: 5 } as const;
/** By number, as metrics name them. */
const rcodeNames = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];
/** Of twelve bits, four in the header and eight in OPT. */
const badVersion = 16;
const flag = {
  authoritative: 1 << 10,
  truncated: 1 << 9,
  recursionDesired: 1 << 8,
  recursionAvailable: 1 << 7,
} as const;

/** RFC 6891: what may be sent by UDP to a client that says nothing of itself, and the most we send to one that does. */
const plainUdpBytes = 512;
const mostUdpBytes = 1232;
/** A client that opens TCP connections and says nothing must not hold them. */
const tcpIdleMs = 10_000;
const mostTcpConnections = 512;

export class DnsServer {
  readonly #source: ZoneSource;
  readonly #options: DnsServerOptions;
  readonly #log: (message: string) => void;
  readonly #clock: Clock;
  readonly #metrics: DnsMetrics | undefined;
  readonly #forwarder: Forwarder;
  #udp: Socket | undefined;
  #tcp: Server | undefined;
  readonly #connections = new Set<TcpSocket>();
  #port = 0;

  constructor(source: ZoneSource, options: DnsServerOptions, { clock, log = () => {}, metrics }: DnsServerDeps) {
    this.#source = source;
    this.#options = options;
    this.#log = log;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#forwarder = new Forwarder(options, { clock, ask: askServer, ...(metrics && { metrics }) });
  }

  get port(): number {
    return this.#port;
  }

  /** Binds both; rejects, naming the address, when either is taken. */
  async start(): Promise<void> {
    const { address, orAnyPort } = this.#options;
    let { port } = this.#options;
    for (let attempt = 0; ; attempt++) {
      const tcp = createServer((socket) => this.#onConnection(socket));
      tcp.maxConnections = mostTcpConnections;
      try {
        await new Promise<void>((resolve, reject) => {
          tcp.once('error', reject);
          tcp.listen({ host: address, port }, resolve);
        });
        const bound = tcp.address();
        this.#port = typeof bound === 'object' && bound ? bound.port : port;
        this.#udp = await this.#bindUdp(address, this.#port);
        this.#tcp = tcp;
        return;
      } catch (error) {
        tcp.close();
        // A free TCP port may be taken for UDP: with port 0 another one will do.
        if (orAnyPort) port = 0;
        if (port === 0 && attempt < 5) continue;
        throw new Error(`cluster DNS: cannot listen on ${address}:${port}: ${messageOf(error)}`, {
          cause: error,
        });
      }
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    await Promise.all([
      new Promise<void>((resolve) => (this.#udp ? this.#udp.close(() => resolve()) : resolve())),
      new Promise<void>((resolve) => (this.#tcp ? this.#tcp.close(() => resolve()) : resolve())),
    ]);
    this.#udp = undefined;
    this.#tcp = undefined;
  }

  /** The answer to one message, or undefined for one that deserves none. */
  async respond(message: Uint8Array, overTcp: boolean): Promise<Uint8Array | undefined> {
    if (!this.#metrics) return this.#respond(message, overTcp);
    const startMs = this.#clock.monotonicMs();
    const reply = await this.#respond(message, overTcp);
    if (reply) {
      this.#metrics.responses.inc([rcodeNames[reply[3]! & 15] ?? String(reply[3]! & 15)]);
      this.#metrics.duration.observe((this.#clock.monotonicMs() - startMs) / 1000);
    }
    return reply;
  }

  async #respond(message: Uint8Array, overTcp: boolean): Promise<Uint8Array | undefined> {
    let query: DecodedPacket;
    try {
      query = decode(message as Buffer);
    } catch {
      if (message.byteLength < 12) return undefined;
      return encode({ id: (message[0]! << 8) | message[1]!, type: 'response', flags: rcode.formatError });
    }
    if (query.type !== 'query') return undefined;
    const question = query.questions?.[0];
    const head = { id: query.id ?? 0, type: 'response' as const, questions: query.questions ?? [] };
    const asked = (query.flags ?? 0) & flag.recursionDesired;
    if (!question || query.questions?.length !== 1) return encode({ ...head, flags: asked | rcode.formatError });
    // The four bits after QR in the third byte; 0 is a standard query.
    if (((message[2]! >> 3) & 15) !== 0) return encode({ ...head, flags: asked | rcode.notImplemented });

    this.#metrics?.requests.inc([overTcp ? 'tcp' : 'udp', question.type]);
    const opt = query.additionals?.find((a) => a.type === 'OPT');
    // RFC 6891: of EDNS we know version 0, and say so.
    const isStrange = opt !== undefined && opt.ednsVersion !== 0;
    const edns = opt ? `${opt.udpPayloadSize} ${opt.flag_do}` : '';
    const packet = isStrange ? {} : await this.#answer(question, message, overTcp, edns);
    if (packet instanceof Uint8Array) return packet;
    const limit = overTcp
      ? 65_535
      : opt
        ? Math.min(mostUdpBytes, Math.max(plainUdpBytes, opt.udpPayloadSize))
        : plainUdpBytes;
    const optOut: Answer[] = opt
      ? [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: mostUdpBytes,
            extendedRcode: isStrange ? badVersion >> 4 : 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
      : [];
    const full: Packet = {
      ...head,
      ...packet,
      flags: (packet.flags ?? 0) | asked | flag.recursionAvailable,
      additionals: [...(packet.additionals ?? []), ...optOut],
    };
    const bytes = encode(full);
    if (bytes.byteLength <= limit) return bytes;
    return encode({
      ...full,
      answers: [],
      additionals: optOut,
      authorities: [],
      flags: (full.flags ?? 0) | flag.truncated,
    });
  }

  async #answer(question: Question, message: Uint8Array, overTcp: boolean, edns: string): Promise<Packet | Uint8Array> {
    const name = question.name.toLowerCase().replace(/\.$/, '');
    const result = answer(this.#source, this.#options, name, question.type);
    switch (result.kind) {
      case 'elsewhere':
        return (
          (await this.#forwarder.forward(message, { name, type: question.type, overTcp, edns })) ?? {
            flags: rcode.serverFailure,
          }
        );
      case 'nxdomain':
        return { flags: flag.authoritative | rcode.nxDomain, authorities: [wire(result.authority)] };
      case 'found': {
        const answers = result.records.map(wire);
        if (result.chase !== undefined) answers.push(...(await this.#chase(result.chase, question)));
        if (answers.length === 0) return { flags: flag.authoritative, authorities: [wire(result.authority)] };
        return { flags: flag.authoritative, answers, additionals: result.additionals.map(wire) };
      }
    }
  }

  /** The addresses of an ExternalName's target: from the zone itself, or from upstream. */
  async #chase(target: string, question: Question): Promise<Answer[]> {
    const own = answer(this.#source, this.#options, target, question.type);
    if (own.kind === 'found') return own.records.map(wire);
    if (own.kind === 'nxdomain') return [];
    const query = encode({
      type: 'query',
      id: 1,
      flags: flag.recursionDesired,
      questions: [{ name: target, type: question.type }],
    });
    const reply = await this.#forwarder.forward(query, { name: target, type: question.type, overTcp: true, edns: '' });
    return reply ? (decode(reply as Buffer).answers ?? []) : [];
  }

  #bindUdp(address: string, port: number): Promise<Socket> {
    const udp = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 });
    udp.on('message', (message, remote) => void this.#onDatagram(udp, message, remote));
    return new Promise((resolve, reject) => {
      udp.once('error', (error) => {
        udp.close();
        reject(error);
      });
      udp.bind({ address, port }, () => {
        udp.on('error', (error) => this.#log(`cluster DNS: ${messageOf(error)}`));
        resolve(udp);
      });
    });
  }

  async #onDatagram(udp: Socket, message: Uint8Array, remote: RemoteInfo): Promise<void> {
    try {
      const reply = await this.respond(message, false);
      // A client that went away shows as an error here; there is nobody to tell.
      if (reply && this.#udp === udp) udp.send(reply, remote.port, remote.address, () => {});
    } catch (error) {
      this.#log(`cluster DNS: answering ${remote.address}: ${messageOf(error)}`);
    }
  }

  /** RFC 1035 section 4.2.2: each message after its length in two bytes; a connection carries many, answered in turn. */
  #onConnection(socket: TcpSocket): void {
    this.#connections.add(socket);
    let pending = Buffer.alloc(0);
    let busy = Promise.resolve();
    socket.setTimeout(tcpIdleMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const message = pending.subarray(2, 2 + pending.readUInt16BE(0));
        pending = pending.subarray(2 + message.length);
        busy = busy
          .then(async () => {
            const reply = await this.respond(message, true);
            if (!reply || socket.destroyed) return;
            const length = Buffer.alloc(2);
            length.writeUInt16BE(reply.byteLength);
            socket.write(Buffer.concat([length, reply]));
          })
          .catch((error) => {
            this.#log(`cluster DNS: answering by TCP: ${messageOf(error)}`);
            socket.destroy();
          });
      }
    });
  }
}

/** Our record as dns-packet wants it. */
const wire = (record: DnsRecord): Answer => ({ class: 'IN', ...record }) as Answer;
