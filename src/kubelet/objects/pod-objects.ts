import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type * as core from '../../apis/generated/types/core/v1.ts';
import type { Client } from '../../client/client.ts';
import { Informer } from '../../client/informer.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { ObjectReader } from '../containers/env.ts';
import { allContainers, type ConfigMap, type Pod, type Secret, type Service } from '../types.ts';

export interface PodObjectsDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  /** An object that this pod refers to has changed. */
  readonly onChange: (podUid: string) => void;
  readonly onError: (error: unknown) => void;
}

interface Watched {
  readonly informer: Informer<KubeObject>;
  readonly users: Set<string>;
}

type Kind = 'configmaps' | 'secrets';

/** How long a first read waits for the server; afterwards the object counts as not there yet. */
const firstReadMs = 10_000;

/**
 * The ConfigMaps and Secrets that this node's pods refer to, and all Services: one watch an object, shared by its pods,
 * ended with the last of them. A node sees nothing else of its cluster's secrets.
 */
export class PodObjects implements ObjectReader {
  readonly #deps: PodObjectsDeps;
  readonly #watched = new Map<string, Watched>();
  readonly #keysOfPod = new Map<string, Set<string>>();
  readonly #services: Informer<core.Service>;

  constructor(deps: PodObjectsDeps) {
    this.#deps = deps;
    this.#services = new Informer<core.Service>({
      client: deps.client.resource<core.Service>({ group: '', version: 'v1', resource: 'services' }),
      clock: deps.clock,
      random: deps.random,
      onError: deps.onError,
    });
  }

  start(): void {
    this.#services.start();
  }

  whenSynced(signal: AbortSignal): Promise<void> {
    return this.#services.whenSynced(signal);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#services.stop(), ...[...this.#watched.values()].map(({ informer }) => informer.stop())]);
  }

  /** Begins to watch what the pod refers to, before anything asks. */
  acquire(pod: Pod): void {
    const uid = pod.metadata.uid!;
    const keys = this.#keysOfPod.get(uid) ?? new Set();
    this.#keysOfPod.set(uid, keys);
    for (const [kind, name] of references(pod)) {
      const key = `${kind}/${pod.metadata.namespace}/${name}`;
      if (keys.has(key)) continue;
      keys.add(key);
      this.#watch(kind, pod.metadata.namespace ?? '', name).users.add(uid);
    }
  }

  release(uid: string): void {
    for (const key of this.#keysOfPod.get(uid) ?? []) {
      const watched = this.#watched.get(key);
      watched?.users.delete(uid);
      if (watched?.users.size !== 0) continue;
      this.#watched.delete(key);
      void watched.informer.stop();
    }
    this.#keysOfPod.delete(uid);
  }

  configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.#get('configmaps', namespace, name) as Promise<ConfigMap | undefined>;
  }

  secret(namespace: string, name: string): Promise<Secret | undefined> {
    return this.#get('secrets', namespace, name) as Promise<Secret | undefined>;
  }

  services(namespace: string): readonly Service[] {
    return this.#services.byNamespace(namespace);
  }

  async #get(kind: Kind, namespace: string, name: string): Promise<unknown> {
    const { informer } = this.#watch(kind, namespace, name);
    if (!informer.hasSynced) {
      const late = new AbortController();
      const timer = this.#deps.clock.after(firstReadMs, () => late.abort(), 'pod objects: first read');
      try {
        await informer.whenSynced(late.signal);
      } catch {
        throw new Error(`reading ${kind} ${namespace}/${name}: no answer from the API server in ${firstReadMs} ms`);
      } finally {
        timer.cancel();
      }
    }
    return informer.get(`${namespace}/${name}`);
  }

  #watch(kind: Kind, namespace: string, name: string): Watched {
    const key = `${kind}/${namespace}/${name}`;
    const known = this.#watched.get(key);
    if (known) return known;
    const { client, clock, random, onError, onChange } = this.#deps;
    const informer = new Informer<KubeObject>({
      client: client.resource({ group: '', version: 'v1', resource: kind }).namespace(namespace),
      fieldSelector: `metadata.name=${name}`,
      clock,
      random,
      onError,
    });
    const watched: Watched = { informer, users: new Set() };
    const changed = () => {
      for (const uid of watched.users) onChange(uid);
    };
    informer.addHandlers({ onAdd: (_, isInitial) => !isInitial && changed(), onUpdate: changed, onDelete: changed });
    informer.start();
    this.#watched.set(key, watched);
    return watched;
  }
}

/** The ConfigMaps and Secrets that a pod names: in volumes, variables and pull secrets. */
function* references(pod: Pod): Generator<readonly [Kind, string]> {
  for (const { name } of pod.spec?.imagePullSecrets ?? []) if (name) yield ['secrets', name];
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.configMap?.name) yield ['configmaps', volume.configMap.name];
    if (volume.secret?.secretName) yield ['secrets', volume.secret.secretName];
    for (const source of volume.projected?.sources ?? []) {
      if (source.configMap?.name) yield ['configmaps', source.configMap.name];
      if (source.secret?.name) yield ['secrets', source.secret.name];
    }
  }
  for (const { spec } of allContainers(pod)) {
    for (const { configMapRef, secretRef } of spec.envFrom ?? []) {
      if (configMapRef?.name) yield ['configmaps', configMapRef.name];
      if (secretRef?.name) yield ['secrets', secretRef.name];
    }
    for (const { valueFrom } of spec.env ?? []) {
      if (valueFrom?.configMapKeyRef?.name) yield ['configmaps', valueFrom.configMapKeyRef.name];
      if (valueFrom?.secretKeyRef?.name) yield ['secrets', valueFrom.secretKeyRef.name];
    }
  }
}
