/** Informers over everything that can be deleted, as metadata alone; follows what the server has. */
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { abortable } from '../../client/abortable.ts';
import type { Client } from '../../client/client.ts';
import { discover, type DiscoveredResource, preferred } from '../../client/discovery.ts';
import { Informer } from '../../client/informer.ts';
import { type DeepReadonly, groupVersionText, type KubeObject } from '../../machinery/meta/object.ts';
import type { Identity } from './graph.ts';

export interface MonitorSink {
  observed(identity: Identity, object: DeepReadonly<KubeObject>): void;
  deleted(identity: Identity): void;
}

export interface MonitorOptions {
  readonly metadataClient: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly sink: MonitorSink;
  readonly onError: (error: unknown) => void;
}

/** Events own nothing and come and go by themselves. */
const ignored: ReadonlySet<string> = new Set(['/events', 'events.k8s.io/events']);

interface Monitor {
  readonly resource: DiscoveredResource;
  readonly informer: Informer<KubeObject>;
}

export class Monitors {
  readonly #options: MonitorOptions;
  readonly #monitors = new Map<string, Monitor>();
  #resources: readonly DiscoveredResource[] = [];

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /** Asks the server what it has; starts and stops informers to match. What cannot be discovered now stays. */
  async sync(signal: AbortSignal): Promise<void> {
    const { metadataClient } = this.#options;
    const discovery = await discover(metadataClient.transport, signal);
    this.#resources = discovery.resources;
    const wanted = new Map<string, DiscoveredResource>();
    for (const resource of preferred(discovery.resources)) {
      const key = `${resource.group}/${resource.resource}`;
      const isDeletable = ['delete', 'list', 'watch'].every((verb) => resource.verbs.includes(verb));
      if (isDeletable && !ignored.has(key)) wanted.set(key, resource);
    }
    const unknown = new Set(discovery.failed.map((groupVersion) => groupVersion.split('/')[0]));
    for (const [key, monitor] of [...this.#monitors]) {
      const isSame = wanted.get(key)?.version === monitor.resource.version;
      if (isSame || (!wanted.has(key) && unknown.has(monitor.resource.group))) continue;
      this.#monitors.delete(key);
      await monitor.informer.stop();
      // With the resource its objects are gone; a new version of it tells them anew.
      if (!wanted.has(key))
        for (const object of monitor.informer.list()) this.#options.sink.deleted(identityOf(monitor.resource, object));
    }
    for (const [key, resource] of wanted) if (!this.#monitors.has(key)) this.#start(key, resource);
  }

  async whenSynced(signal: AbortSignal): Promise<void> {
    await abortable(Promise.all([...this.#monitors.values()].map(({ informer }) => informer.whenSynced())), signal);
  }

  /** The resource of a kind; undefined when the server does not know it (now). */
  resourceOf(apiVersion: string, kind: string): DiscoveredResource | undefined {
    return this.#resources.find((r) => r.kind === kind && groupVersionText(r) === apiVersion);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#monitors.values()].map(({ informer }) => informer.stop()));
    this.#monitors.clear();
  }

  #start(key: string, resource: DiscoveredResource): void {
    const { metadataClient, clock, random, sink, onError } = this.#options;
    const informer = new Informer<KubeObject>({
      client: metadataClient.resource(resource),
      clock,
      random,
      onError,
      transform: onlyOwnership,
    });
    informer.addHandlers({
      onAdd: (object) => sink.observed(identityOf(resource, object), object),
      onUpdate: (_, object) => sink.observed(identityOf(resource, object), object),
      onDelete: (object) => sink.deleted(identityOf(resource, object)),
    });
    this.#monitors.set(key, { resource, informer });
    informer.start();
  }
}

function identityOf(resource: DiscoveredResource, { metadata }: DeepReadonly<KubeObject>): Identity {
  const { namespace = '', name = '', uid = '' } = metadata;
  return { apiVersion: groupVersionText(resource), kind: resource.kind, namespace, name, uid };
}

/** All that the graph reads: one small object for each of the cluster's. */
function onlyOwnership(object: DeepReadonly<KubeObject>): DeepReadonly<KubeObject> {
  const { name, namespace, uid, resourceVersion, deletionTimestamp, finalizers, ownerReferences } = object.metadata;
  return {
    metadata: {
      ...(name ? { name } : {}),
      ...(namespace ? { namespace } : {}),
      ...(uid ? { uid } : {}),
      ...(resourceVersion ? { resourceVersion } : {}),
      ...(deletionTimestamp ? { deletionTimestamp } : {}),
      ...(finalizers ? { finalizers } : {}),
      ...(ownerReferences ? { ownerReferences } : {}),
    },
  };
}
