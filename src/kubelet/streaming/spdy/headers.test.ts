import { createDeflate } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { dictionary } from './dictionary.ts';
import { decodeHeaders, encodeHeaders, HeaderDeflater, HeaderInflater } from './headers.ts';

describe('SPDY header blocks', () => {
  it('use the dictionary that the draft names', async () => {
    const first = await new Promise<Buffer>((resolve) => {
      const stream = createDeflate({ dictionary });
      stream.once('data', resolve);
      stream.end('x');
    });
    // The zlib header's FDICT field: Adler-32 of the dictionary.
    expect(first.readUInt32BE(2).toString(16)).toBe('e3c6a7c2');
    expect(dictionary).toHaveLength(1423);
  });

  it('come through one pair of streams in order', async () => {
    const deflater = new HeaderDeflater();
    const inflater = new HeaderInflater();
    for (const headers of [{ streamtype: 'error' }, { streamtype: 'stdin' }, { streamtype: 'stdout', port: '80' }]) {
      const block = await inflater.decompress(await deflater.compress(encodeHeaders(headers)));
      expect({ ...decodeHeaders(block) }).toEqual(headers);
    }
    deflater.close();
    inflater.close();
  });

  it.each([Buffer.alloc(2), Buffer.from([0, 0, 0, 1, 0, 0, 0, 9, 97])])(
    'refuse a block that ends early: %j',
    (block) => {
      expect(() => decodeHeaders(block)).toThrow(/ends early/);
    },
  );
});
