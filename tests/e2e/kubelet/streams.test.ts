import https from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { shell, TestKubelet } from '../../support/kubelet.ts';
import { realContainersMissing } from '../../support/root.ts';

const missing = realContainersMissing();
if (missing) console.warn(`NOT RUN: streams of real containers: ${missing}`);

describe.runIf(!missing)('streams of a real container', () => {
  let kubelet: TestKubelet;
  beforeAll(async () => {
    kubelet = await TestKubelet.create('streams', 13);
    await kubelet.makePod('web', {
      containers: [shell('echo one; echo two >&2; httpd -f -p 8080 -h /etc & while sleep 0.2; do echo tick; done')],
    });
    await kubelet.running('web');
  });
  afterAll(async () => {
    await kubelet?.remove();
  });

  interface Session {
    readonly out: string;
    readonly err: string;
    readonly status: {
      readonly status?: string;
      readonly details?: { readonly causes?: { readonly message: string }[] };
    };
  }

  /** Runs a command as client-go does: a channel byte before every message. */
  const exec = (
    protocol: string,
    command: readonly string[],
    stdin: string | undefined,
    query = '',
  ): Promise<Session> => {
    const args = command.map((word) => `command=${encodeURIComponent(word)}`).join('&');
    const input = stdin === undefined ? '' : '&input=1';
    const path = `/exec/default/web/main?${args}&output=1&error=1${input}${query}`;
    const ws = new WebSocket(`wss://127.0.0.1:${kubelet.port}${path}`, protocol, kubelet.tls);
    const parts: Record<number, string> = {};
    return new Promise((resolve, reject) => {
      ws.on('error', reject);
      ws.on('open', () => {
        if (stdin === undefined) return;
        ws.send(Buffer.concat([Buffer.of(0), Buffer.from(stdin)]));
        if (protocol.startsWith('v5')) ws.send(Buffer.of(255, 0));
      });
      ws.on('message', (data: Buffer) => {
        parts[data[0]!] = (parts[data[0]!] ?? '') + data.subarray(1).toString();
      });
      ws.on('close', () => resolve({ out: parts[1] ?? '', err: parts[2] ?? '', status: JSON.parse(parts[3] ?? '{}') }));
    });
  };

  it('runs a command and tells how it ended', async () => {
    const fine = await exec('v5.channel.k8s.io', ['sh', '-c', 'echo out; echo err >&2'], undefined);
    expect(fine).toMatchObject({ out: 'out\n', err: 'err\n', status: { status: 'Success' } });
    const failed = await exec('v4.channel.k8s.io', ['sh', '-c', 'exit 7'], undefined);
    expect(failed.status).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode' });
    expect(failed.status.details?.causes?.[0]?.message).toBe('7');
  });

  it('closes stdin alone, and then gives all output', async () => {
    const text = 'x'.repeat(300_000);
    expect((await exec('v5.channel.k8s.io', ['wc', '-c'], text)).out.trim()).toBe('300000');
    expect((await exec('v5.channel.k8s.io', ['cat'], text)).out).toBe(text);
  });

  it('gives a terminal', async () => {
    expect((await exec('v5.channel.k8s.io', ['tty'], undefined, '&tty=1')).out).toMatch(/^\/dev\/pts\/\d+\r\n$/);
  });

  it('refuses what is not there in words', async () => {
    const path = (what: string) => `wss://127.0.0.1:${kubelet.port}/exec/default/${what}?command=true&output=1`;
    const refusal = (what: string, tls: object = kubelet.tls) =>
      new Promise<number>((resolve) => {
        const ws = new WebSocket(path(what), 'v5.channel.k8s.io', { rejectUnauthorized: false, ...tls });
        ws.on('unexpected-response', (_, response) => {
          resolve(response.statusCode!);
          ws.terminate();
        });
        ws.on('error', () => {});
      });
    expect(await refusal('nosuch/main')).toBe(404);
    expect(await refusal('web/nosuch')).toBe(404);
    expect(await refusal('web/main', { cert: undefined, key: undefined })).toBe(401);
  });

  it('follows a log until the container ends', async () => {
    await kubelet.makePod('talker', {
      restartPolicy: 'Never',
      containers: [shell('for i in 1 2 3; do echo line $i; sleep 0.3; done')],
    });
    await kubelet.until('talker', (pod) => pod.status?.phase !== 'Pending', 'begun');
    expect(await kubelet.log('talker', 'follow=true')).toBe('line 1\nline 2\nline 3\n');
    expect(await kubelet.log('talker', 'tailLines=1')).toBe('line 3\n');
    expect(await kubelet.log('talker', 'timestamps=true&tailLines=1')).toMatch(/^\d{4}-\d\d-\d\dT.*Z line 3\n$/);
    expect(await kubelet.log('talker', 'limitBytes=4')).toBe('line');
    expect(await kubelet.log('talker', 'sinceTime=2100-01-01T00:00:00Z')).toBe('');
    expect((await kubelet.get('/containerLogs/default/talker/main?previous=true')).status).toBe(400);
  });

  it('hands a SPDY connection through', async () => {
    const request = https.request({
      host: '127.0.0.1',
      port: kubelet.port,
      path: '/portForward/default/web',
      method: 'POST',
      headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'portforward.k8s.io' },
      ...kubelet.tls,
    });
    const [response] = await new Promise<[import('node:http').IncomingMessage]>((resolve, reject) => {
      request.once('upgrade', (answer, socket) => {
        socket.destroy();
        resolve([answer]);
      });
      request.once('response', (answer) => reject(new Error(`status ${answer.statusCode}`)));
      request.once('error', reject);
      request.end();
    });
    expect(response.headers['x-stream-protocol-version']).toBe('portforward.k8s.io');
  });

  it('shows figures and settings', async () => {
    const { pods } = JSON.parse((await kubelet.get('/stats/summary')).body);
    expect(pods.map((pod: { podRef: { name: string } }) => pod.podRef.name)).toContain('web');
    // Checklist 8: the thresholds in force.
    expect(JSON.parse((await kubelet.get('/configz')).body).kubeletconfig).toMatchObject({
      maxPods: 110,
      port: kubelet.port,
      evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '10%', 'imagefs.available': '15%' },
    });
    expect((await kubelet.get('/metrics')).body).toContain('kubelet_node_name{node="n1"} 1\n');
    expect((await kubelet.get('/healthz')).body).toBe('ok');
  });
});
