import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../base/random.ts';
import type { Transport } from '../client/client.ts';
import { TransportError } from '../client/client.ts';
import type { WatchFrame } from '../machinery/wire.ts';
import { FaultyTransport, noFaults } from './faults.ts';

function setUp() {
  const arrived: string[] = [];
  const frame: WatchFrame = { type: 'ADDED', bytes: new Uint8Array(), object: {} };
  const inner: Transport = {
    async request({ method, url }) {
      return {
        status: 200,
        headers: {},
        async body() {
          arrived.push(`${method} ${url}`);
          return new Uint8Array();
        },
        async *chunks() {},
        async *frames() {
          for (;;) yield [frame];
        },
      };
    },
    async close() {},
  };
  const faults = noFaults();
  return { arrived, faults, transport: new FaultyTransport(inner, faults, new SeededRandom(1)) };
}

describe('FaultyTransport', () => {
  test('without faults passes everything on', async () => {
    const { transport, arrived } = setUp();
    await (await transport.request({ method: 'GET', url: '/a' })).body();
    expect(arrived).toEqual(['GET /a']);
  });

  test('a refused request never arrives, a lost answer was carried out', async () => {
    const { transport, arrived, faults } = setUp();
    faults.refuse = 1;
    await expect(transport.request({ method: 'POST', url: '/a' })).rejects.toThrow(TransportError);
    expect(arrived).toEqual([]);
    Object.assign(faults, { refuse: 0, lose: 1 });
    await expect(transport.request({ method: 'POST', url: '/b' })).rejects.toThrow('connection reset (fault)');
    expect(arrived).toEqual(['POST /b']);
  });

  test('a watch breaks after a while', async () => {
    const { transport, faults } = setUp();
    faults.cut = 0.2;
    let batches = 0;
    const reading = async () => {
      for await (const _ of (await transport.request({ method: 'GET', url: '/w?watch=true' })).frames()) batches++;
    };
    await expect(reading()).rejects.toThrow('watch broken (fault)');
    expect(batches).toBeGreaterThan(0);
  });
});
