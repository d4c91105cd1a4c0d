import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { decode, encode, type DecodedPacket } from 'dns-packet';
import { afterEach, describe, expect, it } from 'vitest';
import { realClock } from '../../base/node/real-clock.ts';
import { DnsServer, type DnsServerOptions } from './server.ts';
import { IndexedSource } from './source.ts';

const servers: DnsServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function start(endpoints: number, options: Partial<DnsServerOptions> = {}): Promise<DnsServer> {
  const source = new IndexedSource();
  source.setService({ metadata: { name: 'db', namespace: 'default' }, spec: { clusterIP: 'None' } });
  source.setSlice({
    metadata: { name: 'db-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'db' } },
    addressType: 'IPv4',
    endpoints: Array.from({ length: endpoints }, (_, i) => ({ addresses: [`10.244.1.${i + 1}`] })),
  });
  const server = new DnsServer(
    source,
    {
      domain: 'cluster.local',
      ttlSeconds: 30,
      ownsAddress: () => true,
      address: '127.0.0.1',
      port: 0,
      upstreams: [],
      upstreamTimeoutMs: 100,
      ...options,
    },
    { clock: realClock },
  );
  await server.start();
  servers.push(server);
  return server;
}

const query = (name: string, id = 7) => encode({ type: 'query', id, flags: 1 << 8, questions: [{ name, type: 'A' }] });

function overUdp(port: number, message: Uint8Array): Promise<DecodedPacket> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('message', (reply) => {
      socket.close();
      resolve(decode(reply));
    });
    socket.send(message, port, '127.0.0.1');
  });
}

function overTcp(port: number, messages: Uint8Array[]): Promise<DecodedPacket[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let got = Buffer.alloc(0);
    const replies: DecodedPacket[] = [];
    for (const message of messages) {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(message.byteLength);
      socket.write(Buffer.concat([length, message]));
    }
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      got = Buffer.concat([got, chunk]);
      while (got.length >= 2 && got.length >= 2 + got.readUInt16BE(0)) {
        const end = 2 + got.readUInt16BE(0);
        replies.push(decode(got.subarray(2, end)));
        got = got.subarray(end);
      }
      if (replies.length === messages.length) {
        socket.destroy();
        resolve(replies);
      }
    });
  });
}

describe('DnsServer', () => {
  it('answers by UDP with authority', async () => {
    const server = await start(2);
    const reply = await overUdp(server.port, query('DB.default.svc.cluster.local'));
    expect(reply).toMatchObject({ id: 7, rcode: 'NOERROR', flag_aa: true, flag_ra: true });
    expect(reply.answers).toHaveLength(2);
  });

  it('truncates what does not fit in UDP and gives all of it by TCP', async () => {
    const server = await start(200);
    const name = 'db.default.svc.cluster.local';
    const short = await overUdp(server.port, query(name));
    expect(short).toMatchObject({ flag_tc: true });
    const [first, second] = await overTcp(server.port, [query(name, 1), query(name, 2)]);
    expect(first!.answers).toHaveLength(200);
    expect(second!.id).toBe(2);
  });

  it('fails a foreign name at once when there is no upstream', async () => {
    const server = await start(1);
    expect(await overUdp(server.port, query('example.com'))).toMatchObject({ rcode: 'SERVFAIL' });
  });

  it('answers a broken message with FORMERR and goes on', async () => {
    const server = await start(1);
    const broken = query('db.default.svc.cluster.local').subarray(0, 20);
    expect(await overUdp(server.port, broken)).toMatchObject({ rcode: 'FORMERR' });
    expect(await overUdp(server.port, query('nothing.default.svc.cluster.local'))).toMatchObject({ rcode: 'NXDOMAIN' });
  });

  it('names the address when the port is taken', async () => {
    const server = await start(1);
    const second = new DnsServer(
      new IndexedSource(),
      {
        domain: 'cluster.local',
        ttlSeconds: 30,
        ownsAddress: () => true,
        address: '127.0.0.1',
        port: server.port,
        upstreams: [],
        upstreamTimeoutMs: 100,
      },
      { clock: realClock },
    );
    await expect(second.start()).rejects.toThrow(`cannot listen on 127.0.0.1:${server.port}`);
  });
});

it('a version of EDNS that is not known is told so', async () => {
  const server = await start(1);
  const opt = {
    type: 'OPT' as const,
    name: '.',
    udpPayloadSize: 1232,
    extendedRcode: 0,
    ednsVersion: 1,
    flags: 0,
    flag_do: false,
    options: [],
  };
  const message = encode({
    type: 'query',
    id: 7,
    questions: [{ name: 'db.default.svc.cluster.local', type: 'A' }],
    additionals: [opt],
  });
  const reply = decode(Buffer.from((await server.respond(message, false))!));
  expect(reply.answers).toEqual([]);
  expect(reply.additionals?.[0]).toMatchObject({ type: 'OPT', extendedRcode: 1, ednsVersion: 0 });
});

describe('names elsewhere', () => {
  /** Another name server: the same code, with a zone of its own. */
  const elsewhere = (domain: string) => start(1, { domain });

  it('are asked of the servers of their stub domain, by UDP and TCP, and kept', async () => {
    const stub = await elsewhere('stub.example');
    const stubDomains = { 'stub.example': [`127.0.0.1:${stub.port}`], 'other.example': ['127.0.0.1:1'] };
    const server = await start(0, { stubDomains });
    const name = 'db.default.svc.stub.example';
    expect((await overUdp(server.port, query(name))).answers?.map((a) => 'data' in a && a.data)).toEqual([
      '10.244.1.1',
    ]);
    const [byTcp] = await overTcp(server.port, [query(name, 9)]);
    expect([byTcp!.id, byTcp!.answers?.length]).toEqual([9, 1]);
    await stub.stop();
    servers.splice(servers.indexOf(stub), 1);
    const again = await overUdp(server.port, query(name, 11));
    expect([again.id, again.answers?.length]).toEqual([11, 1]);
    expect(await overUdp(server.port, query('new.stub.example'))).toMatchObject({ rcode: 'SERVFAIL' });
  });

  it('that do not exist come back with the SOA that says so', async () => {
    const other = await elsewhere('example');
    const server = await start(0, { upstreams: [`127.0.0.1:${other.port}`] });
    const reply = await overUdp(server.port, query('nobody.default.svc.example'));
    expect(reply).toMatchObject({ rcode: 'NXDOMAIN', authorities: [{ type: 'SOA' }] });
  });
});
