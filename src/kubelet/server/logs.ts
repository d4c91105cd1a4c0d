/** /containerLogs/NAMESPACE/POD/CONTAINER */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { type LogOptions, readLog } from '../logs/read-log.ts';
import { HttpError } from './http-error.ts';
import type { ServedPods } from './served-pods.ts';

export async function serveLogs(
  [namespace = '', podName = '', containerName = '']: readonly string[],
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
  pods: ServedPods,
): Promise<void> {
  const pod = pods.get(namespace, podName);
  if (!pod) throw new HttpError(404, `pod "${podName}" not found`);
  if (!hasContainer(pod, containerName))
    throw new HttpError(404, `container "${containerName}" not found in pod "${podName}"`);
  const options = logOptions(query);
  const previous = query.get('previous') === 'true';
  const container = await pods.container(pod, containerName, previous);
  if (!container) throw new HttpError(400, missing(pod, containerName, previous));

  const gone = new AbortController();
  request.on('close', () => gone.abort());
  response.on('close', () => gone.abort());
  const ended = container.ended(gone.signal);
  // Its end by our own abort is nobody's failure, also when the log was read to its end before.
  ended.catch(() => {});
  const log = readLog(container.logPath, options, ended, gone.signal);
  const head = { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' };
  // Who follows wants to know that it is heard, long before there may be anything to read.
  if (options.follow) response.writeHead(200, head).flushHeaders();
  try {
    for await (const piece of log) {
      if (!response.headersSent) response.writeHead(200, head);
      if (!response.write(piece) && !response.destroyed)
        await Promise.race([once(response, 'drain'), once(response, 'close')]);
      if (response.destroyed) return;
    }
  } catch (error) {
    // The runtime makes the file with the container's first breath; before it, the log is empty.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (!response.headersSent) response.writeHead(200, head);
  response.end();
}

function logOptions(query: URLSearchParams): LogOptions {
  const number = (name: string): number | undefined => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    const value = Number(text);
    if (!Number.isInteger(value)) throw new HttpError(400, `${name}: Invalid value: "${text}": must be a whole number`);
    return value;
  };
  const sinceSeconds = number('sinceSeconds');
  const sinceTime = query.get('sinceTime');
  const stream = query.get('stream')?.toLowerCase();
  return {
    follow: query.get('follow') === 'true',
    tailLines: number('tailLines'),
    sinceMs:
      sinceSeconds !== undefined ? Date.now() - sinceSeconds * 1000 : sinceTime ? Date.parse(sinceTime) : undefined,
    timestamps: query.get('timestamps') === 'true',
    limitBytes: number('limitBytes'),
    stream: stream === 'stdout' || stream === 'stderr' ? stream : undefined,
  };
}

function hasContainer(pod: DeepReadonly<Pod>, name: string): boolean {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  return [...containers, ...initContainers, ...ephemeralContainers].some((c) => c.name === name);
}

/** Upstream's words for a container that has no log to show. */
function missing(pod: DeepReadonly<Pod>, name: string, previous: boolean): string {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const status = [...containerStatuses, ...initContainerStatuses].find((s) => s.name === name);
  if (previous) return `previous terminated container "${name}" in pod "${pod.metadata.name}" not found`;
  const waiting = status?.state?.waiting;
  const why =
    waiting?.reason === 'ErrImagePull' || waiting?.reason === 'ImagePullBackOff'
      ? 'trying and failing to pull image'
      : `waiting to start: ${waiting?.reason ?? 'ContainerCreating'}`;
  return `container "${name}" in pod "${pod.metadata.name}" is ${why}`;
}
