/** How much load the generator can make: against a server that does nothing but answer. */
import { createInterface } from 'node:readline';
import type { Child } from '../children.ts';
import { Generator } from '../generator.ts';
import { costs } from '../measurement.ts';
import { configMap, differs } from '../objects.ts';
import type { PkiPaths } from '../side.ts';

export interface Calibration {
  /** A second, 64 in flight. */
  readonly requests: number;
  /** Microseconds of its own time a request. */
  readonly cpuMicros: number;
  /** Its part of the processor time while at it; the rest is the trivial server's. */
  readonly share: number;
}

export async function calibrate(
  start: (name: string, ...args: string[]) => Child,
  files: PkiPaths,
): Promise<Calibration> {
  const server = start('trivial', 'serve', files.cert, files.key);
  const port = await new Promise<string>((resolve, reject) => {
    createInterface({ input: server.process.stdout! }).once('line', resolve);
    void server.ended.then(() => reject(new Error('the trivial server ended')));
  });
  const client = start('calibration', 'client', `127.0.0.1:${port}`, files.ca, files.cert, files.key);
  const load = new Generator(client, () => ({ trivial: [server.pid] }));
  const create = {
    method: 'POST',
    path: '/api/v1/namespaces/load/configmaps',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(configMap(`new-${differs}`)),
    connections: 4,
    inFlight: 64,
  };
  await load.requests({ ...create, seconds: 0.5 });
  const done = await load.requests({ ...create, seconds: 2 });
  await client.end();
  await server.end();
  const { generatorShare } = costs(done, done.ops);
  return {
    requests: done.ops / done.seconds,
    cpuMicros: (done.generatorCpu / done.ops) * 1e6,
    share: generatorShare,
  };
}
