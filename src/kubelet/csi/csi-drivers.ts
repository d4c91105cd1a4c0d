import type { Node } from '../../apis/generated/types/core/v1.ts';
import type { CSINode, CSINodeDriver } from '../../apis/generated/types/storage.k8s.io/v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import { retryOnConflict } from '../../client/conflict-retry.ts';
import { isAlreadyExists, isNotFound } from '../../machinery/status/is.ts';
import type { PluginHandler, PluginInfo } from '../plugins/plugin-watcher.ts';
import { CsiNodeClient, type NodeInfo } from './csi-node.ts';

const csiNodes = { group: 'storage.k8s.io', version: 'v1', resource: 'csinodes' };
const nodes = { group: '', version: 'v1', resource: 'nodes' };
const nodeIds = 'csi.volume.kubernetes.io/nodeid';

/** The CSI drivers that have registered with this node, and what the API server knows of them: CSINode, labels. */
export class CsiDrivers implements PluginHandler {
  readonly #nodeName: string;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #drivers = new Map<string, CsiNodeClient>();

  constructor(nodeName: string, client: Client, clock: Clock) {
    this.#clock = clock;
    this.#nodeName = nodeName;
    this.#client = client;
  }

  /** Throws, in upstream's words, for one that has not registered. */
  get(name: string): CsiNodeClient {
    const driver = this.#drivers.get(name);
    if (!driver) throw new Error(`driver name ${name} not found in the list of registered CSI drivers`);
    return driver;
  }

  async register({ name, endpoint, supportedVersions }: PluginInfo): Promise<void> {
    if (!supportedVersions.some((version) => /^v?1\./.test(version)))
      throw new Error(
        `CSI driver ${name} speaks versions ${supportedVersions.join(', ') || 'none'}; this node speaks 1.x`,
      );
    const driver = new CsiNodeClient(endpoint);
    try {
      const info = await driver.info();
      await this.#publish(name, info);
    } catch (error) {
      driver.close();
      throw error;
    }
    this.#drivers.get(name)?.close();
    this.#drivers.set(name, driver);
  }

  /** What the API server knows of it stays: pods may have its volumes, and it may come back. */
  deregister(name: string): void {
    this.#drivers.get(name)?.close();
    this.#drivers.delete(name);
  }

  stop(): void {
    for (const driver of this.#drivers.values()) driver.close();
    this.#drivers.clear();
  }

  async #publish(name: string, { nodeId, maxVolumesPerNode, accessibleTopology }: NodeInfo): Promise<void> {
    if (nodeId === '') throw new Error(`CSI driver ${name} gave an empty node id`);
    const segments = accessibleTopology?.segments ?? {};
    const node = await this.#labelNode(name, nodeId, segments);
    const driver: CSINodeDriver = {
      name,
      nodeID: nodeId,
      topologyKeys: Object.keys(segments),
      ...(maxVolumesPerNode > 0 && { allocatable: { count: maxVolumesPerNode } }),
    };
    const client = this.#client.resource<CSINode>(csiNodes);
    await retryOnConflict(this.#clock, async () => {
      const there = await client.get(this.#nodeName).catch((error) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      if (there) {
        const others = there.spec.drivers.filter((other) => other.name !== name);
        await client.update({ ...there, spec: { drivers: [...others, driver] } });
        return;
      }
      const owner = { apiVersion: 'v1', kind: 'Node', name: this.#nodeName, uid: node.metadata.uid ?? '' };
      const made: CSINode = {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'CSINode',
        metadata: { name: this.#nodeName, ownerReferences: [owner] },
        spec: { drivers: [driver] },
      };
      await client.create(made).catch(async (error) => {
        if (!isAlreadyExists(error)) throw error;
        const now = await client.get(this.#nodeName);
        await client.update({ ...now, spec: { drivers: [...now.spec.drivers, driver] } });
      });
    });
  }

  /** Topology keys are labels of the node; a label of another value is not overwritten. */
  async #labelNode(name: string, nodeId: string, segments: Readonly<Record<string, string>>): Promise<Node> {
    const client = this.#client.resource<Node>(nodes);
    const node = await client.get(this.#nodeName);
    for (const [key, value] of Object.entries(segments)) {
      const there = node.metadata.labels?.[key];
      if (there !== undefined && there !== value)
        throw new Error(
          `detected topology value collision: driver reported ${key}=${value} but existing label is ${key}=${there}`,
        );
    }
    const ids = JSON.parse(node.metadata.annotations?.[nodeIds] ?? '{}') as Record<string, string>;
    const annotations = { [nodeIds]: JSON.stringify({ ...ids, [name]: nodeId }) };
    return client.patch<Node>(this.#nodeName, 'merge', { metadata: { labels: segments, annotations } });
  }
}
