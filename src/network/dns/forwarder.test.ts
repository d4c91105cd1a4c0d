import { decode, encode, type Answer } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import { Forwarder, type ForwarderOptions, parseStubDomain } from './forwarder.ts';
import { inspect } from './message.ts';

const query = (id: number) => encode({ type: 'query', id, questions: [{ name: 'a.example', type: 'A' }] });
const asked = { name: 'a.example', type: 'A', overTcp: false, edns: '' };
const a = (ttl: number): Answer => ({ type: 'A', name: 'a.example', ttl, data: '192.0.2.1' });
const soaData = { mname: 'ns', rname: 'root', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 5 };
const soa: Answer = { type: 'SOA', name: 'example', ttl: 60, data: soaData };

function make(
  options: Partial<ForwarderOptions> = {},
  answers: Answer[] = [a(20)],
  flags = 0,
  authorities: Answer[] = [],
) {
  const clock = new FakeClock({ defer: setImmediate });
  const asks: string[] = [];
  const dead = new Set<string>();
  const forwarder = new Forwarder(
    { upstreams: ['1', '2'], upstreamTimeoutMs: 100, ...options },
    {
      clock,
      ask: async (message, address) => {
        asks.push(address);
        if (dead.has(address)) throw new Error('no answer');
        const { id, questions } = decode(Buffer.from(message));
        return encode({ type: 'response', id: id!, flags, questions: questions!, answers, authorities });
      },
    },
  );
  const ask = async (id = 7, question = asked) => {
    const reply = await forwarder.forward(query(id), question);
    return reply && decode(Buffer.from(reply));
  };
  return { clock, asks, dead, ask };
}

describe('Forwarder', () => {
  it('keeps an answer for as long as it lives, under the id of who asks, and ages it', async () => {
    const { clock, asks, ask } = make();
    expect((await ask(1))!.id).toBe(1);
    await clock.advance(12_000);
    const again = (await ask(2))!;
    expect([again.id, again.answers!.map((r) => 'ttl' in r && r.ttl)]).toEqual([2, [8]]);
    expect(asks).toHaveLength(1);
    await clock.advance(8_000);
    await ask(3);
    expect(asks).toHaveLength(2);
  });

  it('keeps nothing for longer than 30 s', async () => {
    const { clock, asks, ask } = make({}, [a(3600)]);
    await ask();
    await clock.advance(30_000);
    await ask();
    expect(asks).toHaveLength(2);
  });

  it('keeps a denial as its SOA says', async () => {
    const { clock, asks, ask } = make({}, [], 3, [soa]);
    expect(await ask()).toMatchObject({ rcode: 'NXDOMAIN' });
    await clock.advance(4_999);
    await ask();
    expect(asks).toHaveLength(1);
    await clock.advance(1);
    await ask();
    expect(asks).toHaveLength(2);
  });

  it.each([
    ['a failure', 2],
    ['a refusal', 5],
    ['what was cut short', 1 << 9],
  ])('does not keep %s', async (_, flags) => {
    const { asks, ask } = make({}, [a(20)], flags);
    await ask();
    await ask();
    expect(asks).toHaveLength(2);
  });

  it('asks once for all who want to know, and keeps so many', async () => {
    const { asks, ask } = make({ cacheEntries: 1 });
    const replies = await Promise.all([ask(1), ask(2), ask(3)]);
    expect(replies.map((r) => r!.id)).toEqual([1, 2, 3]);
    expect(asks).toHaveLength(1);
    await ask(1, { ...asked, name: 'b.example' });
    await ask(1);
    expect(asks).toHaveLength(3);
  });

  it('asks the next server where one is silent, which is tried last for a while', async () => {
    const { clock, asks, dead, ask } = make({}, [a(0)]);
    dead.add('1');
    await ask();
    await ask();
    expect(asks).toEqual(['1', '2', '2']);
    await clock.advance(10_001);
    dead.clear();
    await ask();
    expect(asks.at(-1)).toBe('1');
    dead.add('1').add('2');
    expect(await ask()).toBeUndefined();
  });

  it.each([
    ['corp.example', 'corp'],
    ['www.corp.example', 'corp'],
    ['lab.corp.example', 'lab'],
    ['xcorp.example', '1'],
  ])('asks for %s at %s', async (name, server) => {
    const { asks, ask } = make({ stubDomains: { 'corp.example': ['corp'], 'lab.corp.example': ['lab'] } });
    await ask(1, { ...asked, name });
    expect(asks).toEqual([server]);
  });
});

it('bytes that are no message are nothing to keep', () => {
  const whole = encode({ type: 'response', id: 1, answers: [a(20)] });
  for (let length = 0; length < whole.byteLength; length++) expect(inspect(whole.subarray(0, length))).toBeUndefined();
  expect(inspect(whole)).toMatchObject({ rcode: 0, ttlSeconds: 20 });
});

it.each([
  ['Example.com=192.0.2.1,192.0.2.2', ['example.com', ['192.0.2.1', '192.0.2.2']]],
  ['example.com', undefined],
  ['=192.0.2.1', undefined],
])('parseStubDomain(%s)', (text, wanted) => {
  if (wanted) expect(parseStubDomain(text)).toEqual(wanted);
  else expect(() => parseStubDomain(text)).toThrow('no stub domain');
});
