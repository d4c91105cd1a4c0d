/**
 * Enforces NetworkPolicies on this node's pods: follows policies, pods and namespaces, and keeps a table in nftables.
 *
 * Invariants: 1. as with Services, one change is under way at a time and each is one transaction; 2. pods and namespaces
 * are followed from the first policy on: a cluster without policies pays for none; 3. a new pod is isolated before its
 * first container starts (`isolate`), though the API server does not know its address yet.
 */
import type { Namespace, Pod } from '../../apis/generated/types/core/v1.ts';
import type { NetworkPolicy } from '../../apis/generated/types/networking.k8s.io/v1.ts';
import { type Clock, sleep } from '../../base/clock.ts';
import type { Informer } from '../../client/informer.ts';
import type { InformerFactory } from '../../client/informers.ts';
import type { DeepReadonly, KubeObject } from '../../machinery/meta/object.ts';
import { createScript, deleteScript, type NftTable, updateScript } from '../proxy/ruleset.ts';
import { SyncLoop } from '../sync-loop.ts';
import { type PolicyOptions, planPolicies } from './plan.ts';
import { addressesOf, type PolicyPod, policyPod } from './policy-pod.ts';

export interface NetworkPoliciesOptions {
  readonly nodeName: string;
  readonly tableName: string;
  readonly families: readonly PolicyOptions['family'][];
  /** What policies may select though it is no Pod: the cluster's name server. */
  readonly servers?: readonly PolicyPod[];
}

export interface NetworkPoliciesDeps {
  readonly informers: InformerFactory;
  readonly clock: Clock;
  /** Loads a script in one transaction. */
  readonly nft: (script: string) => Promise<unknown>;
  readonly log: (message: string) => void;
}

/** The pod's own watch and ours are milliseconds apart. */
const patienceMs = 5_000;

export class NetworkPolicies {
  readonly #options: NetworkPoliciesOptions;
  readonly #deps: NetworkPoliciesDeps;
  readonly #loop: SyncLoop;
  readonly #policies: Informer<NetworkPolicy>;
  readonly #pods: Informer<Pod>;
  readonly #namespaces: Informer<Namespace>;
  /** What the kernel has, by family; missing: not known, and then the whole table is loaded. */
  readonly #applied = new Map<PolicyOptions['family'], NftTable>();
  /** Addresses of new pods, by `namespace/name`, until their status has them. */
  readonly #starting = new Map<string, readonly string[]>();
  readonly #seen = new WeakMap<DeepReadonly<Pod>, { readonly pod: PolicyPod | undefined }>();
  #following = false;
  #syncs = 0;

  constructor(options: NetworkPoliciesOptions, deps: NetworkPoliciesDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#loop = new SyncLoop({
      ...deps,
      what: `network policies: table ${options.tableName}`,
      sync: () => this.#sync(),
    });
    const { informers } = deps;
    this.#policies = informers.informer({ group: 'networking.k8s.io', version: 'v1', resource: 'networkpolicies' });
    this.#pods = informers.informer({ group: '', version: 'v1', resource: 'pods' });
    this.#namespaces = informers.informer({ group: '', version: 'v1', resource: 'namespaces' });
  }

  /** Resolves when the first table is loaded; rejects when it cannot be. */
  async start(): Promise<void> {
    this.#loop.follow(this.#policies);
    this.#policies.start();
    await this.#policies.whenSynced(this.#loop.signal);
    await this.#loop.start();
  }

  /** Ends the following and removes the table. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    for (const family of this.#options.families) await this.#deps.nft(deleteScript(family, this.#options.tableName));
  }

  /** Whether there is any policy in the cluster. */
  get enforcing(): boolean {
    return this.#policies.size > 0;
  }

  /** How many times the table was brought up to date. */
  get syncs(): number {
    return this.#syncs;
  }

  /**
   * A new pod has these addresses and runs nothing yet: resolves when what isolates it is in the kernel. A pod that the
   * API server does not show in time (a static pod while the server is away) is let go, and that is said.
   */
  async isolate(pod: { readonly namespace: string; readonly name: string }, ips: readonly string[]): Promise<void> {
    if (!this.enforcing || ips.length === 0) return;
    const key = `${pod.namespace}/${pod.name}`;
    this.#starting.set(key, ips);
    await this.#loop.flush();
    if (this.#pods.get(key)) return;
    // The kubelet heard of the pod by a watch of its own, which may be ahead of ours.
    const patience = new AbortController();
    const known = new Promise<boolean>((resolve) => {
      const remove = this.#pods.addHandlers({ onAdd: (added) => keyOf(added) === key && resolve(true) });
      patience.signal.addEventListener('abort', remove);
      sleep(this.#deps.clock, patienceMs, patience.signal, `network policies: ${key}`).then(
        () => resolve(false),
        () => {},
      );
    });
    const found = await known;
    patience.abort();
    if (found) await this.#loop.flush();
    else
      this.#deps.log(`network policies: pod ${key} starts before the API server has shown it: not isolated until then`);
  }

  async #follow(): Promise<void> {
    if (!this.#following) {
      this.#following = true;
      this.#loop.follow(this.#namespaces);
      // Most of what happens to a pod concerns no policy.
      this.#loop.follow({
        addHandlers: ({ onAdd, onDelete }) =>
          this.#pods.addHandlers({
            onAdd,
            onDelete: (pod) => {
              this.#starting.delete(keyOf(pod));
              onDelete();
            },
            onUpdate: (old, pod) => {
              if (JSON.stringify(this.#view(old)) !== JSON.stringify(this.#view(pod))) onAdd();
            },
          }),
      });
      this.#namespaces.start();
      this.#pods.start();
    }
    const { signal } = this.#loop;
    await Promise.all([this.#namespaces.whenSynced(signal), this.#pods.whenSynced(signal)]);
  }

  async #sync(): Promise<void> {
    if (this.#policies.size > 0) await this.#follow();
    const { tableName, families, servers = [] } = this.#options;
    const policies = [...this.#policies.list()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    const pods =
      policies.length === 0 ? [] : [...servers, ...this.#pods.list().flatMap((pod) => this.#view(pod) ?? [])];
    const namespaces = new Map(this.#namespaces.list().map((n) => [n.metadata.name ?? '', n.metadata.labels ?? {}]));
    for (const family of families) {
      const table = planPolicies({ policies, pods, namespaces }, { tableName, family });
      const before = this.#applied.get(family);
      const script = before ? updateScript(before, table) : createScript(table);
      if (script !== '') {
        this.#applied.delete(family);
        await this.#deps.nft(script);
      }
      this.#applied.set(family, table);
    }
    this.#syncs++;
  }

  #view(pod: DeepReadonly<Pod>): PolicyPod | undefined {
    const key = keyOf(pod);
    const starting = this.#starting.get(key);
    const known = addressesOf(pod);
    if (starting) {
      // A restarted sandbox has another address than the status still says: both are the pod's, until the status follows.
      if (starting.every((ip) => known.includes(ip))) this.#starting.delete(key);
      else return policyPod(pod, this.#options.nodeName, [...new Set([...starting, ...known])]);
    }
    const cached = this.#seen.get(pod);
    if (cached) return cached.pod;
    const made = policyPod(pod, this.#options.nodeName);
    this.#seen.set(pod, { pod: made });
    return made;
  }
}

const keyOf = ({ metadata }: DeepReadonly<KubeObject>): string => `${metadata.namespace}/${metadata.name}`;
