/** Header blocks: a count, then names and values with their lengths, deflated in one stream a direction and connection. */
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { dictionary } from './dictionary.ts';

export type SpdyHeaders = Readonly<Record<string, string>>;

/** Larger blocks are refused: no peer of ours sends more than a few names. */
const mostBytes = 64 * 1024;

export function encodeHeaders(headers: SpdyHeaders): Buffer {
  const entries = Object.entries(headers);
  const parts: Buffer[] = [uint32(entries.length)];
  for (const [name, value] of entries)
    for (const text of [name.toLowerCase(), value]) {
      const bytes = Buffer.from(text);
      parts.push(uint32(bytes.length), bytes);
    }
  return Buffer.concat(parts);
}

/** Throws on a block that ends early or is too large. */
export function decodeHeaders(block: Buffer): SpdyHeaders {
  const headers: Record<string, string> = Object.create(null);
  let at = 4;
  const next = (): string => {
    if (at + 4 > block.length) throw new Error('SPDY: a header block ends early');
    const length = block.readUInt32BE(at);
    if (at + 4 + length > block.length) throw new Error('SPDY: a header block ends early');
    const text = block.toString('utf8', at + 4, at + 4 + length);
    at += 4 + length;
    return text;
  };
  if (block.length < 4) throw new Error('SPDY: a header block ends early');
  for (let left = block.readUInt32BE(0); left > 0; left--) {
    const name = next();
    // Several values of one name are joined by NUL.
    headers[name] = next().replaceAll('\0', ', ');
  }
  return headers;
}

/** One direction's compressor: blocks must be sent in the order in which they were given to it. */
export class HeaderDeflater {
  readonly #deflate: Deflate = createDeflate({ dictionary });

  compress(block: Buffer): Promise<Buffer> {
    return through(this.#deflate, block);
  }

  close(): void {
    this.#deflate.close();
  }
}

/** One direction's decompressor. */
export class HeaderInflater {
  readonly #inflate: Inflate = createInflate({ dictionary });

  decompress(block: Buffer): Promise<Buffer> {
    return through(this.#inflate, block);
  }

  close(): void {
    this.#inflate.close();
  }
}

/** What comes out for what goes in, the stream staying open for the next block. */
function through(stream: Deflate | Inflate, block: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const end = (settle: () => void) => {
      stream.off('data', onData);
      stream.off('error', onError);
      settle();
    };
    const onError = (error: Error) =>
      end(() => reject(new Error(`SPDY: header block: ${error.message}`, { cause: error })));
    const onData = (part: Buffer) => {
      size += part.length;
      if (size > mostBytes) end(() => reject(new Error(`SPDY: a header block of more than ${mostBytes} bytes`)));
      else parts.push(part);
    };
    stream.on('data', onData);
    stream.on('error', onError);
    stream.write(block);
    stream.flush(constants.Z_SYNC_FLUSH, () => end(() => resolve(Buffer.concat(parts))));
  });
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
