/** The cluster that the suite runs on: two nodes with real containers, and a registry of our own for every image. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OciImage } from '../../src/kubelet/images/archive.ts';
import { fabricGateway } from '../../src/network/node/fabric.ts';
import { TestRegistry } from '../support/registry.ts';

export interface ClusterPlaces {
  readonly repository: string;
  readonly dataDir: string;
  /** 2.1 or newer: older ones know no image volumes. */
  readonly containerd: string;
}

export const podNetworkCidr = '10.210.0.0/16';
const serviceCidr = '10.211.0.0/16';

export class ConformanceCluster {
  readonly kubeconfig: string;
  readonly registry = new TestRegistry();
  readonly #places: ClusterPlaces;
  #guard: number | undefined;

  constructor(places: ClusterPlaces) {
    this.#places = places;
    this.kubeconfig = join(places.dataDir, 'admin.conf');
  }

  /** Rejects with one line that says why it did not come up; `stop` is needed all the same. */
  async start(images: readonly OciImage[]): Promise<void> {
    const { dataDir, containerd } = this.#places;
    if (existsSync(dataDir)) {
      const { state } = JSON.parse(this.#skiff('status', '--output', 'json').stdout || '{}') as { state?: string };
      if (state === 'running' || state === 'starting')
        throw new Error(
          `a conformance run is going on in ${dataDir}; wait for it, or end it by 'bin/skiff reset --yes --data-dir ${dataDir}'`,
        );
      this.#reset();
    }
    this.#startGuard();
    // Before the nodes start: containerd reads the directory's files at each pull, but must find the directory.
    mkdirSync(this.#mirrors, { recursive: true });
    const { status, stderr } = this.#skiff(
      ...['up', '--detach', '--nodes', '2', '--secure-port', '0', '--containerd', containerd],
      ...['--registry-config', this.#mirrors, '--pod-network-cidr', podNetworkCidr, '--service-cidr', serviceCidr],
    );
    if (status !== 0) throw new Error(`the cluster does not come up: ${lastLine(stderr)}`);
    // The host's address on the link between the nodes: both reach it, and nothing outside does.
    await this.registry.start(fabricGateway(podNetworkCidr));
    for (const image of images) this.registry.add(withoutHost(image.name), image);
    const url = `http://${this.registry.host}`;
    const mirror = [`server = "${url}"`, `[host."${url}"]`, '  capabilities = ["pull", "resolve"]', ''];
    mkdirSync(join(this.#mirrors, '_default'), { recursive: true });
    // Of every registry: what ours does not have is not found, at once, and nothing is asked outside.
    writeFileSync(join(this.#mirrors, '_default/hosts.toml'), mirror.join('\n'));
  }

  /** Takes everything away. Idempotent. */
  async stop(): Promise<void> {
    this.#reset();
    rmSync(this.#mirrors, { recursive: true, force: true });
    await this.registry.stop().catch(() => {});
    if (this.#guard !== undefined) {
      try {
        process.kill(this.#guard, 'SIGKILL');
      } catch {
        // it has gone by itself
      }
      this.#guard = undefined;
    }
  }

  get #mirrors(): string {
    return `${this.#places.dataDir}-registries`;
  }

  /** Takes the cluster away when this process is killed: a shell that waits for our end. */
  #startGuard(): void {
    const { repository, dataDir } = this.#places;
    const script = `trap '' INT TERM HUP; while kill -0 "$1" 2>/dev/null; do sleep 1; done
      "$2" "$3" reset --yes --data-dir "$4"; rm -rf "$4-registries"`;
    const args = [String(process.pid), process.execPath, join(repository, 'bin/skiff'), dataDir];
    const guard = spawn('bash', ['-c', script, 'guard', ...args], { detached: true, stdio: 'ignore' });
    guard.unref();
    this.#guard = guard.pid;
  }

  #reset(): void {
    if (!existsSync(this.#places.dataDir)) return;
    const { status, stderr } = this.#skiff('reset', '--yes');
    if (status !== 0) console.error(`conformance: taking the cluster away: ${lastLine(stderr)}`);
  }

  #skiff(command: string, ...flags: string[]) {
    const { repository, dataDir } = this.#places;
    const args = [join(repository, 'bin/skiff'), command, '--data-dir', dataDir, ...flags];
    return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 180_000 });
  }
}

/** `e2e-test-images/agnhost:2.63.0` of `registry.k8s.io/...`: what a mirror is asked for. */
const withoutHost = (name: string): string => name.slice(name.indexOf('/') + 1);

const lastLine = (text: string): string => text.trim().split('\n').pop() ?? '';
