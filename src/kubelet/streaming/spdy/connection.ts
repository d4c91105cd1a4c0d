/**
 * A SPDY/3.1 connection as its client, over a socket whose HTTP upgrade is done: the side that opens streams toward the
 * container runtime. Flow-control windows are not used by the peer (moby/spdystream ignores them); back-pressure is the
 * socket's own.
 *
 *   control frame   1 | version 3 (15) | type (16) | flags (8) | length (24) | payload
 *   data frame      0 | stream id (31)             | flags (8) | length (24) | payload
 */
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { decodeHeaders, encodeHeaders, HeaderDeflater, HeaderInflater, type SpdyHeaders } from './headers.ts';

const type = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;
const finFlag = 1;
const headBytes = 8;
/** Data is cut into frames of this size; the length field would allow 16 MiB. */
const frameBytes = 32 * 1024;

/** One stream. Events: `data` (Buffer), `end` (the peer will send no more), `reset`, `reply`. */
export class SpdyStream extends EventEmitter {
  readonly id: number;
  readonly #connection: SpdyConnection;
  #ended = false;

  constructor(id: number, connection: SpdyConnection) {
    super();
    this.id = id;
    this.#connection = connection;
  }

  /** False when the socket's buffer is full: wait for the connection's `drain`. */
  write(data: Uint8Array): boolean {
    let room = true;
    for (let at = 0; at < data.length; at += frameBytes)
      room = this.#connection.sendData(this.id, data.subarray(at, at + frameBytes), false);
    return room;
  }

  /** No more will be written. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#connection.sendData(this.id, new Uint8Array(), true);
  }
}

/** Events: `close` once, with an error or none; `drain`. */
export class SpdyConnection extends EventEmitter {
  readonly #socket: Duplex;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #deflater = new HeaderDeflater();
  readonly #inflater = new HeaderInflater();
  #nextId = 1;
  #pending: Buffer = Buffer.alloc(0);
  /** Frames are handled in order, though inflating is asynchronous. */
  #work: Promise<void> = Promise.resolve();
  /** Opens go one after the other: all share one compressor, and its output must be sent in order. */
  #opening: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(socket: Duplex, head: Buffer) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('drain', () => this.emit('drain'));
    socket.on('error', (error: Error) => this.close(error));
    socket.on('close', () => this.close());
    if (head.length > 0) this.#receive(head);
  }

  /** Opens a stream. It may be written to at once; the peer's answer shows as `reply`. */
  open(headers: SpdyHeaders): Promise<SpdyStream> {
    const opened = this.#opening.then(() => this.#open(headers));
    this.#opening = opened.catch(() => {});
    return opened;
  }

  async #open(headers: SpdyHeaders): Promise<SpdyStream> {
    const stream = new SpdyStream(this.#nextId, this);
    this.#nextId += 2;
    this.#streams.set(stream.id, stream);
    const block = await this.#deflater.compress(encodeHeaders(headers));
    const payload = Buffer.alloc(10 + block.length);
    payload.writeUInt32BE(stream.id, 0);
    block.copy(payload, 10);
    this.#sendControl(type.synStream, 0, payload);
    return stream;
  }

  sendData(id: number, data: Uint8Array, fin: boolean): boolean {
    if (this.#closed) return true;
    const head = Buffer.alloc(headBytes);
    head.writeUInt32BE(id, 0);
    head.writeUInt32BE(data.length, 4);
    head[4] = fin ? finFlag : 0;
    this.#socket.write(head);
    return data.length > 0 ? this.#socket.write(data) : true;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    // What was received before the end is still delivered, then the end.
    void this.#work.finally(() => {
      this.#deflater.close();
      this.#inflater.close();
      for (const stream of this.#streams.values()) stream.emit('end');
      this.#streams.clear();
      this.emit('close', error);
    });
  }

  #sendControl(kind: number, flags: number, payload: Buffer): void {
    if (this.#closed) return;
    const head = Buffer.alloc(headBytes);
    head.writeUInt16BE(0x8003, 0);
    head.writeUInt16BE(kind, 2);
    head.writeUInt32BE(payload.length, 4);
    head[4] = flags;
    this.#socket.write(Buffer.concat([head, payload]));
  }

  #receive(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= headBytes) {
      const length = this.#pending.readUIntBE(5, 3);
      if (this.#pending.length < headBytes + length) return;
      const head = this.#pending.subarray(0, headBytes);
      const payload = this.#pending.subarray(headBytes, headBytes + length);
      this.#pending = this.#pending.subarray(headBytes + length);
      this.#work = this.#work.then(() => this.#handle(head, payload)).catch((error: Error) => this.close(error));
    }
  }

  async #handle(head: Buffer, payload: Buffer): Promise<void> {
    const fin = (head[4]! & finFlag) !== 0;
    if ((head[0]! & 0x80) === 0) {
      const stream = this.#streams.get(head.readUInt32BE(0));
      if (!stream) return;
      if (payload.length > 0) stream.emit('data', payload);
      if (fin) this.#end(stream);
      return;
    }
    const id = payload.length >= 4 ? payload.readUInt32BE(0) & 0x7fffffff : 0;
    switch (head.readUInt16BE(2)) {
      case type.synReply: {
        const headers = decodeHeaders(await this.#inflater.decompress(payload.subarray(4)));
        const stream = this.#streams.get(id);
        stream?.emit('reply', headers);
        if (fin && stream) this.#end(stream);
        return;
      }
      case type.synStream:
      case type.headers:
        // Never sent by a runtime, but the shared compression state must see the block.
        await this.#inflater.decompress(payload.subarray(head.readUInt16BE(2) === type.synStream ? 10 : 4));
        return;
      case type.rstStream: {
        const stream = this.#streams.get(id);
        this.#streams.delete(id);
        stream?.emit('reset', payload.length >= 8 ? payload.readUInt32BE(4) : 0);
        stream?.emit('end');
        return;
      }
      case type.ping:
        this.#sendControl(type.ping, 0, Buffer.from(payload));
        return;
      case type.goAway:
        this.emit('goaway');
        return;
      default:
        // SETTINGS and WINDOW_UPDATE ask for nothing that we do otherwise.
        return;
    }
  }

  #end(stream: SpdyStream): void {
    this.#streams.delete(stream.id);
    stream.emit('end');
  }
}
