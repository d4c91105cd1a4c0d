import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { messageOf } from '../../base/errors.ts';
import { kubeletVersion } from '../version.ts';
import { type RuntimeService, RuntimeError } from '../runtime/runtime.ts';
import type { ContainerSpec, Probe } from '../types.ts';
import { grpcProbe } from './grpc-probe.ts';
import { type HttpTarget, httpTarget, resolvePort } from './probe-target.ts';

/** `unknown`: the probe itself could not be made; it counts neither way. */
export interface ProbeResult {
  readonly outcome: 'success' | 'failure' | 'unknown';
  /** What the probed said: the words of the Unhealthy event. */
  readonly output: string;
}

/** Of an answer or output, so much is kept. */
const maxOutputBytes = 10 << 10;

export type Prober = (
  probe: Probe,
  container: ContainerSpec,
  containerId: string,
  podIp: string,
) => Promise<ProbeResult>;

/** Probes for real: commands through the runtime, connections from this node. */
export function createProber(runtime: Pick<RuntimeService, 'execSync'>): Prober {
  return async (probe, container, containerId, podIp) => {
    const timeoutSeconds = probe.timeoutSeconds ?? 1;
    const timeoutMs = timeoutSeconds * 1000;
    try {
      if (probe.exec) return await execProbe(runtime, containerId, probe.exec.command ?? [], timeoutSeconds);
      if (probe.httpGet)
        return await httpProbe(httpTarget(probe.httpGet, container, podIp, `kube-probe/${probeVersion}`), timeoutMs);
      if (probe.tcpSocket)
        return await tcpProbe(probe.tcpSocket.host || podIp, resolvePort(probe.tcpSocket.port, container), timeoutMs);
      if (probe.grpc) return await grpcProbe(podIp, probe.grpc.port, probe.grpc.service ?? '', timeoutMs);
      return { outcome: 'unknown', output: 'missing probe handler, or one that this node does not know' };
    } catch (error) {
      return { outcome: 'unknown', output: messageOf(error) };
    }
  };
}

/** `1.36`, as upstream's agent names itself. */
const probeVersion = kubeletVersion.replace(/^v(\d+\.\d+).*/, '$1');

async function execProbe(
  runtime: Pick<RuntimeService, 'execSync'>,
  containerId: string,
  command: readonly string[],
  timeoutSeconds: number,
): Promise<ProbeResult> {
  try {
    const { exitCode, stdout, stderr } = await runtime.execSync(containerId, command, timeoutSeconds);
    const output = Buffer.concat([stdout, stderr]).subarray(0, maxOutputBytes).toString();
    return { outcome: exitCode === 0 ? 'success' : 'failure', output };
  } catch (error) {
    if (error instanceof RuntimeError && error.timedOut)
      return {
        outcome: 'failure',
        output: `command timed out: "${command.join(' ')}" timed out after ${timeoutSeconds}s`,
      };
    // A command that cannot be run at all is the container's fault (2: the runtime's words for it), not the probe's.
    if (error instanceof RuntimeError && error.code === 2) return { outcome: 'failure', output: error.message };
    throw error;
  }
}

/** 200 to 399 is healthy. Redirects to other hosts are not followed, and count as healthy (upstream: a warning). */
export function httpProbe(target: HttpTarget, timeoutMs: number, redirects = 10): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const client = target.url.startsWith('https:') ? https : http;
    const failure = (output: string) => resolve({ outcome: 'failure', output });
    const request = client.get(
      target.url,
      { headers: target.headers, agent: false, timeout: timeoutMs, rejectUnauthorized: false } as https.RequestOptions,
      (response) => {
        const status = response.statusCode ?? 0;
        const { location } = response.headers;
        if (status >= 301 && status <= 308 && location && redirects > 0) {
          const next = new URL(location, target.url);
          if (next.hostname === new URL(target.url).hostname) {
            response.resume();
            clearTimeout(timer);
            resolve(httpProbe({ ...target, url: next.href }, timeoutMs, redirects - 1));
            return;
          }
        }
        const parts: Buffer[] = [];
        let size = 0;
        response.on('data', (part: Buffer) => {
          if (size < maxOutputBytes) parts.push(part);
          size += part.length;
        });
        response.on('error', (error) => failure(error.message));
        response.on('end', () => {
          clearTimeout(timer);
          if (status >= 200 && status < 400)
            resolve({ outcome: 'success', output: Buffer.concat(parts).subarray(0, maxOutputBytes).toString() });
          else failure(`HTTP probe failed with statuscode: ${status}`);
        });
      },
    );
    const timer = setTimeout(() => {
      request.destroy(new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)'));
    }, timeoutMs);
    request.on('error', (error) => {
      clearTimeout(timer);
      failure(`Get "${target.url}": ${error.message}`);
    });
  });
}

export function tcpProbe(host: string, port: number, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const timer = setTimeout(() => socket.destroy(new Error('i/o timeout')), timeoutMs);
    const done = (result: ProbeResult) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => done({ outcome: 'success', output: '' }));
    socket.once('error', (error) => done({ outcome: 'failure', output: `dial tcp ${host}:${port}: ${error.message}` }));
  });
}
