import https from 'node:https';
import type { Pod } from '../../src/apis/generated/types/core/v1.ts';
import { realClock } from '../../src/base/node/real-clock.ts';
import { SeededRandom } from '../../src/base/random.ts';
import type { ResourceClient } from '../../src/client/client.ts';
import type { KubeletConfiguration } from '../../src/kubelet/config/kubelet-configuration.ts';
import { createKubelet, type Kubelet } from '../../src/kubelet/kubelet.ts';
import type { ClusterPki } from '../../src/pki/cluster-pki.ts';
import { memoryClusterPki } from '../../src/pki/pki-files.ts';
import { type BareServer, bareServer } from '../../src/testing/bare-server.suite.ts';
import { startTestNode, type TestNode } from './node.ts';

/** A kubelet on a containerd of its own, for node `n1` of an API server in memory that has nothing else. */
export class TestKubelet {
  readonly node: TestNode;
  readonly server: BareServer;
  readonly pods: ResourceClient<Pod>;
  readonly #pki: ClusterPki = memoryClusterPki({ nowMs: Date.now() });
  #kubelet: Kubelet | undefined;

  readonly #configuration: KubeletConfiguration;

  private constructor(node: TestNode, server: BareServer, configuration: KubeletConfiguration) {
    this.#configuration = configuration;
    this.node = node;
    this.server = server;
    this.pods = server.client.resource<Pod>({ group: '', version: 'v1', resource: 'pods' }).namespace('default');
  }

  /** `name` and `net` as for startTestNode. */
  static async create(name: string, net: number, configuration: KubeletConfiguration = {}): Promise<TestKubelet> {
    const kubelet = new TestKubelet(await startTestNode(name, net), await bareServer(), configuration);
    await kubelet.start();
    return kubelet;
  }

  get port(): number {
    return this.#kubelet?.port ?? 0;
  }

  /** `more`: beside what it was created with. */
  async start(more: KubeletConfiguration = {}): Promise<void> {
    const { certPem, keyPem } = this.#pki.kubeletServing('n1', ['127.0.0.1']);
    this.#kubelet = createKubelet(
      {
        nodeName: 'n1',
        dataDir: this.node.dataDir,
        nodeIps: ['127.0.0.1'],
        configuration: {
          clusterDNS: ['10.96.0.10'],
          address: '127.0.0.1',
          healthzPort: 0,
          ...this.#configuration,
          ...more,
        },
        port: 0,
        certificates: { certPem, keyPem, clientCaPem: this.#pki.ca.certPem },
        crashLoopBackOff: { initialMs: 500, maxMs: 2000 },
      },
      {
        client: this.server.client,
        runtime: this.node.runtime,
        clock: realClock,
        random: new SeededRandom(3),
        log: (message) => console.log(`[kubelet] ${message}`),
      },
    );
    await this.#kubelet.start();
  }

  /** Ends the kubelet; containers run on. */
  async pause(): Promise<void> {
    await this.#kubelet?.stop('keep');
  }

  /** Ends the kubelet and its containers, as at a machine's shutdown. */
  async shutDown(): Promise<void> {
    await this.#kubelet?.stop({ shutdownGraceSeconds: 1 });
  }

  async remove(): Promise<void> {
    await this.#kubelet?.stop({ shutdownGraceSeconds: 1 });
    await this.server.stop();
    await this.node.remove();
  }

  /** What a client with every right shows to the kubelet's server. */
  get tls(): { readonly cert: string; readonly key: string; readonly ca: string } {
    const { certPem: cert, keyPem: key } = this.#pki.client('super-admin');
    return { cert, key, ca: this.#pki.ca.certPem };
  }

  get(path: string): Promise<{ readonly status: number; readonly body: string }> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.port, path, agent: false, ...this.tls };
      https
        .get(options, (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () => resolve({ status: response.statusCode!, body: Buffer.concat(parts).toString() }));
        })
        .on('error', reject);
    });
  }

  makePod(name: string, spec: object, metadata: object = {}): Promise<Pod> {
    return this.pods.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, ...metadata },
      spec: { nodeName: 'n1', terminationGracePeriodSeconds: 1, ...spec } as never,
    });
  }

  /** Resolves with the pod once it is so; fails with its status when it takes too long. */
  async until(name: string, is: (pod: Pod) => boolean, what: string, timeoutMs = 15_000): Promise<Pod> {
    const endMs = Date.now() + timeoutMs;
    for (;;) {
      const pod = await this.pods.get(name);
      if (is(pod)) return pod;
      if (Date.now() > endMs)
        throw new Error(`pod ${name} is not ${what} after ${timeoutMs} ms: ${JSON.stringify(pod.status, null, 1)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  running(name: string): Promise<Pod> {
    return this.until(name, (pod) => pod.status?.phase === 'Running', 'running');
  }

  async gone(name: string, timeoutMs = 15_000): Promise<void> {
    const endMs = Date.now() + timeoutMs;
    while ((await this.pods.get(name).catch(() => undefined)) !== undefined) {
      if (Date.now() > endMs) throw new Error(`pod ${name} is still there after ${timeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async log(name: string, query = ''): Promise<string> {
    return (await this.get(`/containerLogs/default/${name}/main?${query}`)).body;
  }

  /** What a command says in the pod's first container. */
  async output(pod: Pod, command: readonly string[]): Promise<string> {
    const { stdout } = await this.node.runtime.execSync(containerId(pod), command, 5);
    return Buffer.from(stdout).toString();
  }
}

export function containerId(pod: Pod): string {
  return pod.status!.containerStatuses![0]!.containerID!.replace('containerd://', '');
}

/** A container called `main` of the busybox image that runs a script. */
export function shell(script: string, extra: object = {}) {
  return { name: 'main', image: 'busybox:1.36', command: ['sh', '-c', script], ...extra };
}
