// SIGKILL at moments that a seed chooses, while pods come and go: nothing restarts that need not, nothing is left over.
// SKIFF_KILL_ROUNDS=200 npx vitest run --project e2e tests/e2e/kill-at-random.test.ts; a failure names the seed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomInt, SeededRandom } from '../../src/base/random.ts';
import { nodeDirectories } from '../../src/cluster/clean-host.ts';
import { dataDirAt } from '../../src/cluster/data-dir.ts';
import { containerdPids } from '../../src/kubelet/runtime/containerd/containerd.ts';
import { containerdPaths } from '../../src/kubelet/runtime/containerd/paths.ts';
import { hostLeftovers } from '../support/leftovers.ts';
import { eventually, realFlags } from '../support/real-cluster.ts';
import { UpCluster } from '../support/up.ts';

const rounds = Number(process.env['SKIFF_KILL_ROUNDS'] ?? 3);
const seed = Number(process.env['SKIFF_KILL_SEED'] ?? 20_261_124);

describe(`SIGKILL at random, ${rounds} times, seed ${seed}`, () => {
  const random = new SeededRandom(seed);
  const cluster = new UpCluster();
  const flags = realFlags(cluster);
  const script = 'trap "exit 0" TERM; date +%s%N > /keep/born; sleep 10000 & wait';

  beforeAll(async () => {
    await cluster.start(...flags);
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'steady' },
      spec: {
        containers: [
          {
            name: 'main',
            image: 'busybox:1.36',
            command: ['sh', '-c', script],
            volumeMounts: [{ name: 'keep', mountPath: '/keep' }],
          },
        ],
        volumes: [{ name: 'keep', emptyDir: { medium: 'Memory' } }],
      },
    };
    const file = join(cluster.dataDir, 'steady.json');
    writeFileSync(file, JSON.stringify(pod));
    await cluster.must('create', '-f', file);
    await cluster.must('wait', '--for=condition=Ready', 'pod/steady', '--timeout=60s');
  }, 120_000);
  afterAll(() => cluster.destroy());

  /** What a kill must not change: container, restarts, address, and what its volume in memory holds. */
  const steady = async () => ({
    status: await cluster.must(
      'get',
      'pod',
      'steady',
      '-o',
      'jsonpath={.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount} {.status.podIP}',
    ),
    volume: await eventually('exec', async () => {
      const { code, stdout } = await cluster.kubectl('exec', 'steady', '--', 'cat', '/keep/born');
      return code === 0 ? stdout : undefined;
    }),
  });

  it(
    'loses nothing and leaves nothing',
    async () => {
      const before = await steady();
      for (let round = 0; round < rounds; round++) {
        const what = ['skiff', 'containerd'][randomInt(random, 2)]!;
        const afterMs = randomInt(random, 1500);
        const name = `churn-${round}`;
        const told = `round ${round}: ${what} after ${afterMs} ms (seed ${seed})`;
        // Under way when the kill comes: one pod begins, the one before it ends.
        const work = Promise.all([
          cluster.kubectl(
            'run',
            name,
            '--image=busybox:1.36',
            '--command',
            '--',
            'sh',
            '-c',
            script.replace(/date.*?;/, ''),
          ),
          cluster.kubectl('delete', 'pod', `churn-${round - 1}`, '--ignore-not-found', '--wait=false'),
        ]);
        await new Promise((done) => setTimeout(done, afterMs));
        if (what === 'skiff') {
          await cluster.stop('SIGKILL');
          await work;
          await cluster.start(...flags);
        } else {
          const [node] = nodeDirectories(dataDirAt(cluster.dataDir));
          process.kill(containerdPids(containerdPaths(node!))[0]!, 'SIGKILL');
          await work;
        }
        expect(await steady(), told).toEqual(before);
        // Whatever of it the kill has cut off is asked for again.
        await cluster.kubectl('delete', 'pod', `churn-${round - 1}`, '--ignore-not-found', '--wait=false');
        if (round > 0) await cluster.must('wait', '--for=delete', `pod/churn-${round - 1}`, '--timeout=60s');
        await cluster.kubectl('run', name, '--image=busybox:1.36', '--command', '--', 'sleep', '1000');
        await cluster.must('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
      }
      expect(await cluster.stop()).toBe(0);
      expect(hostLeftovers(cluster.dataDir)).toEqual([]);
    },
    60_000 + rounds * 60_000,
  );
});
