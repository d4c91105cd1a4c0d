/**
 * The scheduler's debug endpoint: HTTP on a socket in the data directory, so that whoever may read the cluster's state may
 * ask, and nobody from outside.
 *
 *   GET /debug/scheduler/namespaces/NS/pods/NAME   200 an Explanation as JSON; 404 {"message"} when there is no such pod
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { messageOf } from '../base/errors.ts';
import type { Explanation } from '../scheduler/explain/explanation.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';

/** sun_path has 108 bytes on Linux, one of them the end; 104 elsewhere. */
const maxSocketPath = 103;
const podPath = /^\/debug\/scheduler\/namespaces\/([^/]+)\/pods\/([^/]+)$/;

/** The data directory's path leaves no room for a socket's. */
export class SocketPathError extends Error {}

export interface SchedulerDebug {
  close(): Promise<void>;
}

/** Takes the place of a socket that a killed run left. */
export async function serveSchedulerDebug(
  path: string,
  scheduler: Pick<Scheduler, 'explain'>,
): Promise<SchedulerDebug> {
  if (Buffer.byteLength(path) > maxSocketPath)
    throw new SocketPathError(
      `${path} is ${Buffer.byteLength(path)} bytes long, a socket's path at most ${maxSocketPath}; use a shorter --data-dir`,
    );
  rmSync(path, { force: true });
  const server = createServer((request, response) => answer(scheduler, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(
  scheduler: Pick<Scheduler, 'explain'>,
  { method, url }: IncomingMessage,
  response: ServerResponse,
): void {
  const [code, body] = answerTo(scheduler, method, url ?? '');
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

function answerTo(scheduler: Pick<Scheduler, 'explain'>, method: string | undefined, url: string): [number, unknown] {
  try {
    const [, namespace, name] = podPath.exec(url) ?? [];
    if (namespace === undefined || name === undefined) return [404, { message: `no such path: ${url}` }];
    if (method !== 'GET') return [405, { message: `${method} is not supported; use GET` }];
    const explanation = scheduler.explain(decodeURIComponent(namespace), decodeURIComponent(name));
    return explanation === undefined ? [404, { message: `there is no pod ${namespace}/${name}` }] : [200, explanation];
  } catch (error) {
    return [500, { message: messageOf(error) }];
  }
}

/** Asks a scheduler behind its socket. Throws with what it answers when that is no explanation. */
export function askScheduler(path: string, namespace: string, name: string, signal: AbortSignal): Promise<Explanation> {
  const url = `/debug/scheduler/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: path, path: url, signal, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        try {
          const body = JSON.parse(Buffer.concat(parts).toString('utf8')) as Explanation & { readonly message: string };
          if (response.statusCode === 200) resolve(body);
          else reject(new Error(body.message));
        } catch (error) {
          reject(new Error(`the scheduler's answer cannot be read: ${messageOf(error)}`, { cause: error }));
        }
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}
