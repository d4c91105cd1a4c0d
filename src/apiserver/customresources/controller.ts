/**
 * Follows the CustomResourceDefinitions: accepts their names, serves what they define, says so in their conditions, and
 * empties them when they are deleted. Level-triggered, one definition after the other: names are claimed in order.
 *
 *   NamesAccepted -> served -> Established        deleted: Terminating -> instances deleted -> gone -> withdrawn
 *
 * Established is written after the resources can be read, so whoever sees it finds them.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import type { CustomResourceDefinition } from '../../apis/generated/types/apiextensions.k8s.io/v1.ts';
import type { CustomKind } from '../../machinery/openapi/custom.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isConflict, isNotFound } from '../../machinery/status/is.ts';
import type { Loopback } from '../bootstrap/loopback.ts';
import type { Registry } from '../registry/registry.ts';
import {
  acceptNames,
  approvalCondition,
  type Condition,
  findCondition,
  isTrue,
  type NamedDefinition,
  sameCondition,
  withCondition,
} from './conditions.ts';
import { CustomResources } from './resources.ts';
import type { ConvertObjects } from './webhook-conversion.ts';
import { timeText } from '../../machinery/meta/time.ts';

const crds = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' };
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';
/** Between two looks at whether the instances of a deleted definition are gone. */
const emptyCheckMs = 200;
const retryMs = 1_000;

export interface CustomResourceControllerDependencies {
  readonly registry: Registry;
  readonly loopback: Loopback;
  readonly clock: Clock;
  /** Asks a definition's conversion webhook. */
  readonly convert?: (
    definition: CustomResourceDefinition,
    ...args: Parameters<ConvertObjects>
  ) => ReturnType<ConvertObjects>;
  readonly onError: (error: unknown, what: string) => void;
}

interface ServedDefinition {
  readonly uid: string;
  readonly spec: unknown;
  readonly acceptedNames: unknown;
  readonly terminating: boolean;
  readonly resources: CustomResources;
}

export class CustomResourceController {
  readonly #dependencies: CustomResourceControllerDependencies;
  readonly #served = new Map<string, ServedDefinition>();
  /** What the others of a group must know of each definition: reading all of them anew would cost as their schemas. */
  readonly #named = new Map<string, NamedDefinition>();
  /** `group/plural` of what is built in. */
  readonly #builtin: ReadonlySet<string>;
  /** Names to look at, in order of arrival. */
  readonly #queue = new Set<string>();
  readonly #timers = new Map<string, Timer>();
  #openApiKinds: readonly CustomKind[] | undefined;
  #running: Promise<void> | undefined;
  #unsubscribe: (() => void) | undefined;
  #stopped = false;

  constructor(dependencies: CustomResourceControllerDependencies) {
    this.#dependencies = dependencies;
    this.#builtin = new Set(dependencies.registry.resources().map(({ group, plural }) => `${group}/${plural}`));
  }

  /** Resolves when everything that was established before is served again. */
  async start(): Promise<void> {
    const { registry } = this.#dependencies;
    this.#unsubscribe = registry.lookup.subscribe<CustomResourceDefinition>(
      crds.group,
      crds.resource,
      (definition, old) => this.#changed(definition, old),
    );
    const definitions = registry.lookup.list<CustomResourceDefinition>(crds.group, crds.resource);
    for (const definition of definitions) this.#name(definition);
    for (const definition of definitions) {
      if (this.#stopped) return;
      try {
        if (isTrue(definition, 'Established')) await this.#serve(definition);
      } catch (error) {
        this.#failed(definition.metadata.name!, error);
      }
    }
    for (const name of this.#named.keys()) this.#add(name);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe?.();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#queue.clear();
    await this.#running;
  }

  /** What is served, for OpenAPI. */
  openApiKinds(): readonly CustomKind[] {
    this.#openApiKinds ??= [...this.#served.values()].flatMap(({ resources }) => resources.openApiKinds);
    return this.#openApiKinds;
  }

  #name(definition: CustomResourceDefinition): void {
    const name = definition.metadata.name!;
    const accepted = isTrue(definition, 'NamesAccepted');
    const { acceptedNames } = definition.status ?? {};
    this.#named.set(name, { name, group: definition.spec.group, acceptedNames, accepted });
  }

  #changed(definition: CustomResourceDefinition | undefined, old: CustomResourceDefinition | undefined): void {
    const { metadata, spec } = (definition ?? old)!;
    if (definition) this.#name(definition);
    else this.#named.delete(metadata.name!);
    this.#add(metadata.name!);
    // Names that are set free, or asked for no longer, may be what others of the group wait for.
    if (definition && semanticEqual(definition.status?.acceptedNames, old?.status?.acceptedNames)) return;
    for (const other of this.#named.values()) if (other.group === spec.group && !other.accepted) this.#add(other.name);
  }

  #add(name: string): void {
    if (this.#stopped) return;
    this.#queue.add(name);
    this.#run();
  }

  #run(): void {
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
      // What came between the last look at the queue and now.
      if (this.#queue.size > 0) this.#run();
    });
  }

  #addAfter(name: string, ms: number): void {
    if (this.#stopped || this.#timers.has(name)) return;
    const timer = this.#dependencies.clock.after(
      ms,
      () => {
        this.#timers.delete(name);
        this.#add(name);
      },
      'custom resource definition',
    );
    this.#timers.set(name, timer);
  }

  #failed(name: string, error: unknown): void {
    if (this.#stopped || isNotFound(error)) return;
    if (!isConflict(error)) this.#dependencies.onError(error, `custom resource definition ${name}`);
    this.#addAfter(name, isConflict(error) ? 1 : retryMs);
  }

  async #work(): Promise<void> {
    // Not within the event that said so.
    await Promise.resolve();
    for (const name of this.#queue) {
      this.#queue.delete(name);
      try {
        await this.#reconcile(name);
      } catch (error) {
        this.#failed(name, error);
      }
    }
  }

  async #reconcile(name: string): Promise<void> {
    const { registry } = this.#dependencies;
    const definition = registry.lookup.get<CustomResourceDefinition>(crds.group, crds.resource, '', name);
    const served = this.#served.get(name);
    if (served && served.uid !== definition?.metadata.uid) this.#withdraw(name);
    if (!definition) return;
    if (definition.metadata.deletionTimestamp) return this.#finalize(definition);
    const group = [...this.#named.values()].filter((other) => other.group === definition.spec.group);
    const { acceptedNames, condition } = acceptNames(definition, group);
    const approval = approvalCondition(definition);
    const named = { ...definition, status: { ...definition.status, acceptedNames } } as CustomResourceDefinition;
    const established = await this.#establish(named, condition);
    await this.#writeStatus(definition, acceptedNames, [condition, established, ...(approval ? [approval] : [])]);
  }

  /** Serves what may be served; the condition that tells. */
  async #establish(definition: CustomResourceDefinition, names: Condition): Promise<Condition> {
    if (!isTrue(definition, 'Established') && names.status !== 'True')
      return { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' };
    await this.#serve(definition);
    return {
      type: 'Established',
      status: 'True',
      reason: 'InitialNamesAccepted',
      message: 'the initial names have been accepted',
    };
  }

  async #serve(definition: CustomResourceDefinition): Promise<void> {
    const { registry, convert } = this.#dependencies;
    const name = definition.metadata.name!;
    const { spec } = definition;
    const { acceptedNames } = definition.status!;
    const terminating = isTrue(definition, 'Terminating') || definition.metadata.deletionTimestamp !== undefined;
    const before = this.#served.get(name);
    const same =
      before !== undefined && semanticEqual(before.spec, spec) && semanticEqual(before.acceptedNames, acceptedNames);
    if (same && before.terminating === terminating) return;
    if (this.#builtin.has(`${spec.group}/${spec.names.plural}`)) return;
    const stored = spec.versions.find((version) => version.storage)!;
    const resources = same
      ? before.resources
      : new CustomResources(definition, {
          storageVersionHash: await storageVersionHash(spec.group, stored.name, acceptedNames?.kind ?? ''),
          ...(convert ? { convert: (version, objects) => convert(definition, version, objects) } : {}),
        });
    if (resources.resources.length === 0) {
      // No version is served, though something may be stored: what is there still has to be deleted with the definition.
      this.#withdraw(name);
      return;
    }
    await registry.serve(name, terminating ? resources.terminating() : resources.resources);
    this.#openApiKinds = undefined;
    this.#served.set(name, { uid: definition.metadata.uid ?? '', spec, acceptedNames, terminating, resources });
  }

  #withdraw(name: string): void {
    this.#dependencies.registry.withdraw(name);
    if (this.#served.delete(name)) this.#openApiKinds = undefined;
  }

  async #writeStatus(
    definition: CustomResourceDefinition,
    acceptedNames: unknown,
    wanted: readonly Condition[],
    finalizers?: readonly string[],
  ): Promise<void> {
    const changed =
      finalizers !== undefined ||
      !semanticEqual(definition.status?.acceptedNames, acceptedNames) ||
      wanted.some((condition) => !sameCondition(condition, findCondition(definition, condition.type)));
    if (!changed) return;
    const now = timeText(this.#dependencies.clock.now());
    let conditions = definition.status?.conditions ?? [];
    for (const condition of wanted) conditions = withCondition(conditions, condition, now);
    const { metadata } = definition;
    await this.#dependencies.loopback.update(
      crds,
      {
        ...definition,
        metadata: finalizers === undefined ? metadata : { ...metadata, finalizers: [...finalizers] },
        status: { ...definition.status, acceptedNames, conditions },
      } as KubeObject,
      'status',
    );
  }

  /** Instances first, by the front door; then the finalizer goes, and with it the definition. */
  async #finalize(definition: CustomResourceDefinition): Promise<void> {
    const { metadata, status } = definition;
    const name = metadata.name!;
    if (!metadata.finalizers?.includes(cleanupFinalizer)) return;
    const say = (reason: string, message: string, done = false) =>
      this.#writeStatus(
        definition,
        status?.acceptedNames,
        [{ type: 'Terminating', status: done ? 'False' : 'True', reason, message }],
        done ? metadata.finalizers!.filter((finalizer) => finalizer !== cleanupFinalizer) : undefined,
      );
    if (!isTrue(definition, 'Established')) return say('NeverEstablished', 'resource was never established', true);
    if (findCondition(definition, 'Terminating')?.reason !== 'InstanceDeletionInProgress') {
      await this.#serve(definition);
      return say('InstanceDeletionInProgress', 'CustomResource deletion is in progress');
    }
    await this.#serve(definition);
    if (await this.#deleteInstances(name)) return say('InstanceDeletionCompleted', 'removed all instances', true);
    this.#addAfter(name, emptyCheckMs);
  }

  /** True when none is left. */
  async #deleteInstances(name: string): Promise<boolean> {
    const { registry, loopback } = this.#dependencies;
    const resource = this.#served.get(name)?.resources.resources[0];
    if (!resource) return true;
    const { group, version, plural } = resource;
    const left = () => registry.lookup.list<KubeObject>(group, plural);
    const namespaces = new Set(
      left()
        .filter((object) => !object.metadata.deletionTimestamp)
        .map((object) => object.metadata.namespace ?? ''),
    );
    for (const namespace of namespaces)
      await loopback.deleteCollection({ group, version, resource: plural }, namespace || undefined);
    return left().length === 0;
  }
}

/** As discovery says it: the first 8 bytes of a hash of group, version and kind. */
async function storageVersionHash(group: string, version: string, kind: string): Promise<string> {
  const text = new TextEncoder().encode(`${group}/${version}/${kind}`);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', text));
  return btoa(String.fromCharCode(...digest.subarray(0, 8)));
}
