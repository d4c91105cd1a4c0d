import { createServer as createHttp, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RuntimeError } from '../runtime/runtime.ts';
import type { ContainerSpec, Probe } from '../types.ts';
import { createProber } from './prober.ts';

const seen: string[] = [];
let web: Server;
let port: number;
let closedPort: number;
let health: grpc.Server;
let healthPort: number;

beforeAll(async () => {
  web = createHttp((request, response) => {
    seen.push(`${request.url} ${request.headers['user-agent']} ${request.headers['x-extra'] ?? ''}`.trim());
    if (request.url === '/hang') return;
    const status = Number(/^\/(\d+)/.exec(request.url ?? '')?.[1] ?? 200);
    response.writeHead(status, status >= 301 && status < 400 ? { location: '/200' } : {}).end('body');
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  port = (web.address() as AddressInfo).port;
  const closed = createTcp();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  closedPort = (closed.address() as AddressInfo).port;
  await new Promise((resolve) => closed.close(resolve));
  health = new grpc.Server();
  const plain = (bytes: Buffer) => bytes;
  health.addService(
    {
      Check: {
        path: '/grpc.health.v1.Health/Check',
        requestStream: false,
        responseStream: false,
        requestSerialize: plain,
        requestDeserialize: plain,
        responseSerialize: plain,
        responseDeserialize: plain,
      },
    },
    {
      // Field 1 of the request names a service; field 1 of the answer is 1 for SERVING, 2 for NOT_SERVING.
      Check: (call: { request: Buffer }, answer: (error: null, bytes: Buffer) => void) =>
        answer(null, Buffer.of(0x08, call.request.includes('sick') ? 2 : 1)),
    },
  );
  healthPort = await new Promise((resolve, reject) =>
    health.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
});
afterAll(async () => {
  web.closeAllConnections();
  await new Promise((resolve) => web.close(resolve));
  health.forceShutdown();
});

const container = (): ContainerSpec => ({ name: 'main', ports: [{ name: 'http', containerPort: port }] });
const runtime = {
  execSync: async (_: string, [command = '']: readonly string[]) => {
    if (command === 'slow') throw new RuntimeError('ExecSync', 4, 'deadline exceeded');
    if (command === 'missing') throw new RuntimeError('ExecSync', 2, 'executable file not found in $PATH');
    if (command === 'away') throw new RuntimeError('ExecSync', 14, 'connection refused');
    return { stdout: Buffer.from('out'), stderr: Buffer.from('err'), exitCode: Number(command) };
  },
};
const probe = (spec: Probe) => createProber(runtime)(spec, container(), 'c', '127.0.0.1');

describe('a probe', () => {
  it.each<[string, () => Probe, string, string?]>([
    ['exec: 0', () => ({ exec: { command: ['0'] } }), 'success', 'outerr'],
    ['exec: 1', () => ({ exec: { command: ['1'] } }), 'failure', 'outerr'],
    [
      'exec: too slow',
      () => ({ exec: { command: ['slow'] } }),
      'failure',
      'command timed out: "slow" timed out after 1s',
    ],
    [
      'exec: no such command',
      () => ({ exec: { command: ['missing'] } }),
      'failure',
      'executable file not found in $PATH',
    ],
    ['exec: no runtime', () => ({ exec: { command: ['away'] } }), 'unknown', 'connection refused'],
    ['http: 200', () => ({ httpGet: { path: '/200', port } }), 'success', 'body'],
    ['http: 399', () => ({ httpGet: { path: '/399', port } }), 'success'],
    ['http: a redirect to itself', () => ({ httpGet: { path: '/302', port: 'http' } }), 'success', 'body'],
    ['http: 404', () => ({ httpGet: { path: '404', port } }), 'failure', 'HTTP probe failed with statuscode: 404'],
    ['http: too slow', () => ({ httpGet: { path: '/hang', port }, timeoutSeconds: 0.05 }), 'failure'],
    ['http: nobody listens', () => ({ httpGet: { port: closedPort } }), 'failure'],
    [
      'http: no such port',
      () => ({ httpGet: { port: 'nosuch' } }),
      'unknown',
      `couldn't find port: "nosuch" in container main`,
    ],
    ['tcp: somebody listens', () => ({ tcpSocket: { port } }), 'success', ''],
    ['tcp: nobody listens', () => ({ tcpSocket: { port: closedPort } }), 'failure'],
    ['grpc: serving', () => ({ grpc: { port: healthPort } }), 'success', 'service healthy'],
    [
      'grpc: not serving',
      () => ({ grpc: { port: healthPort, service: 'sick' } }),
      'failure',
      'service unhealthy (responded with "NOT_SERVING")',
    ],
    ['grpc: nobody listens', () => ({ grpc: { port: closedPort } }), 'failure'],
    ['of no kind', () => ({}), 'unknown'],
  ])('%s', async (_, spec, outcome, output) => {
    const result = await probe(spec());
    expect(result.outcome, result.output).toBe(outcome);
    if (output !== undefined) expect(result.output).toBe(output);
  });

  it('names itself, unless the pod says otherwise', async () => {
    seen.length = 0;
    await probe({ httpGet: { path: '/a', port } });
    await probe({
      httpGet: {
        path: '/b',
        port,
        httpHeaders: [
          { name: 'User-Agent', value: 'me' },
          { name: 'X-Extra', value: '1' },
        ],
      },
    });
    expect(seen).toEqual(['/a kube-probe/1.36', '/b me 1']);
  });
});
