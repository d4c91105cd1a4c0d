/** Makes a registry of resources: their caches, and the routing of requests to handlers. */
import type { KubeObject } from '../../machinery/meta/object.ts';
import { newForbidden, newRouteMethodNotAllowed, newPathNotFound } from '../../machinery/status/errors.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import { AdmissionChain } from '../admission/chain.ts';
import { statusResponse } from '../filters/status-response.ts';
import { handleBinding } from '../handlers/binding.ts';
import { admitConnect } from '../handlers/connect.ts';
import { handleDelete, handleDeleteCollection } from '../handlers/delete.ts';
import { handleEviction } from '../handlers/eviction.ts';
import { handleGet } from '../handlers/get.ts';
import { handleList } from '../handlers/list.ts';
import { handlePatch } from '../handlers/patch.ts';
import { handleScale } from '../handlers/scale.ts';
import { handleWatch } from '../handlers/watch.ts';
import { handleCreate, handleUpdate } from '../handlers/write.ts';
import type { ContextHandler, RequestContext } from '../request-context.ts';
import { WatchHub } from '../watchcache/hub.ts';
import type { WatchCache } from '../watchcache/watch-cache.ts';
import type { StorageHooks } from './hooks.ts';
import { readerOf } from './reader.ts';
import type { Lookup, Registry, RegistryOptions, RegistryStats } from './registry.ts';
import { type Resource, storagePrefix } from './resource.ts';
import { Served, type Services } from './served.ts';

export function createRegistry(options: RegistryOptions): Registry {
  return new ResourceRegistry(options);
}

/** Verbs that need a name in the path: a PUT to the collection is no update. */
const namedOnly: ReadonlySet<string> = new Set(['get', 'update', 'patch', 'delete']);

class ResourceRegistry implements Registry {
  readonly #builtin: readonly Resource[];
  /** What came at run time, by owner. */
  readonly #dynamic = new Map<string, readonly Resource[]>();
  /** All of it; undefined: to be put together anew. */
  #resources: readonly Resource[] | undefined;
  readonly #caches = new Map<string, WatchCache>();
  readonly #byPath = new Map<string, Resource>();
  readonly #served = new Map<Resource, Served>();
  readonly #services: Services;
  readonly #hooks: readonly StorageHooks[];
  readonly #subresourceHandlers = new Map<string, ContextHandler>();
  readonly #onResourcesChange: (() => void)[] = [];
  readonly #virtual = new Map<string, ContextHandler>();
  readonly lookup: Lookup;

  constructor(options: RegistryOptions) {
    const { store, clock, random, hooks = [] } = options;
    const onError = options.onError ?? (() => {});
    const hub = new WatchHub(store, clock, onError);
    this.#services = { store, clock, random, hub, onError, admission: new AdmissionChain(options.admission ?? []) };
    this.#builtin = options.resources;
    this.#hooks = hooks;
    for (const resource of options.resources)
      this.#byPath.set(`${resource.group}/${resource.version}/${resource.plural}`, resource);
    for (const resource of options.resources) {
      if (!resource.storage) continue;
      const { id } = resource.storage;
      const siblings = options.resources.filter((r) => r.storage?.id === id);
      const cache =
        hub.cache(id) ??
        hub.addCache(
          id,
          { prefix: storagePrefix(resource.storage), namespaced: resource.namespaced },
          readerOf(siblings),
        );
      this.#install(resource, cache, siblings);
    }
    this.lookup = this.#makeLookup();
  }

  start(): Promise<void> {
    return this.#services.hub.start();
  }

  async stop(): Promise<void> {
    this.#services.hub.stop();
  }

  resources(): readonly Resource[] {
    this.#resources ??= [...this.#builtin, ...[...this.#dynamic.values()].flat().sort(byGroupAndPlural)];
    return this.#resources;
  }

  async serve(owner: string, resources: readonly Resource[]): Promise<void> {
    const { storage, namespaced } = resources[0]!;
    if (!storage) throw new Error(`serving the resources of ${owner}: they have no storage`);
    const keys = { prefix: storagePrefix(storage), namespaced };
    const { hub } = this.#services;
    const present = hub.cache(storage.id);
    // What is read in the same way (only verbs or names are new) need not be read again.
    const same = present !== undefined && present.reader === storage.reader;
    const cache = same ? present : await hub.loadCache(storage.id, keys, storage.reader ?? readerOf(resources));
    this.#uninstall(owner);
    for (const resource of resources) {
      this.#byPath.set(`${resource.group}/${resource.version}/${resource.plural}`, resource);
      this.#install(resource, cache, resources);
    }
    this.#dynamic.set(owner, resources);
    this.#resourcesChanged();
  }

  withdraw(owner: string): void {
    const storage = this.#dynamic.get(owner)?.[0]?.storage;
    this.#uninstall(owner);
    if (storage) this.#services.hub.removeCache(storage.id);
  }

  /** `siblings`: the resources of the same storage. */
  #install(resource: Resource, cache: WatchCache, siblings: readonly Resource[]): void {
    // A hook is of the resource in its own group; versions of it share the hook.
    const own = this.#hooks.filter((h) => h.group === resource.group && h.resource === resource.plural);
    this.#served.set(resource, new Served(resource, cache, this.#services, own, siblings));
    this.#caches.set(`${resource.group}/${resource.plural}`, cache);
  }

  #uninstall(owner: string): void {
    for (const resource of this.#dynamic.get(owner) ?? []) {
      this.#byPath.delete(`${resource.group}/${resource.version}/${resource.plural}`);
      this.#caches.delete(`${resource.group}/${resource.plural}`);
      this.#served.delete(resource);
    }
    if (this.#dynamic.delete(owner)) this.#resourcesChanged();
  }

  onResourcesChange(listener: () => void): void {
    this.#onResourcesChange.push(listener);
  }

  #resourcesChanged(): void {
    this.#resources = undefined;
    for (const listener of this.#onResourcesChange) listener();
  }

  find(group: string, version: string, resource: string): Resource | undefined {
    return this.#byPath.get(`${group}/${version}/${resource}`);
  }

  addSubresourceHandler(group: string, resource: string, subresource: string, handler: ContextHandler): void {
    this.#subresourceHandlers.set(`${group}/${resource}/${subresource}`, handler);
  }

  addVirtualResource(group: string, resource: string, handler: ContextHandler): void {
    this.#virtual.set(`${group}/${resource}`, handler);
  }

  caughtUp(): Promise<unknown> {
    return this.#services.hub.waitForCurrent();
  }

  objectCount(group: string, version: string, plural: string): number {
    return this.#servedAt(group, version, plural)?.cache.size ?? 0;
  }

  stats(): RegistryStats {
    let watchers = 0;
    let objects = 0;
    for (const cache of this.#services.hub.caches()) {
      watchers += cache.watchers;
      objects += cache.size;
    }
    return { watchers, objects, revision: this.#services.hub.revision };
  }

  async handle(context: RequestContext): Promise<WireResponse> {
    try {
      return await this.#route(context);
    } catch (error) {
      return statusResponse(error);
    }
  }

  #route(context: RequestContext): Promise<WireResponse> {
    const { apiGroup, apiVersion, resource: plural, subresource, verb } = context.info;
    const resource = this.find(apiGroup, apiVersion, plural);
    if (!resource) throw newPathNotFound();
    if (resource.kindInfo.deprecation !== undefined) context.warnings.push(resource.kindInfo.deprecation);
    const virtual = this.#virtual.get(`${apiGroup}/${plural}`);
    if (virtual && subresource === '') return virtual(context);
    const served = this.#served.get(resource);
    if (subresource !== '') return this.#routeSubresource(context, resource, served);
    const onName = context.info.name !== '';
    if (resource.storage?.reader) checkCustomRequest(context, resource, onName);
    const verbs = resource.storage?.reader ? customVerbs : resource.verbs;
    if (!verbs.includes(verb) || (onName ? verb === 'create' : namedOnly.has(verb))) throw newRouteMethodNotAllowed();
    if (!served) {
      const pods = this.#servedAt('', 'v1', 'pods');
      if (apiGroup === '' && plural === 'bindings' && pods) return handleBinding(context, pods);
      throw newPathNotFound();
    }
    switch (verb) {
      case 'get':
        return handleGet(context, served);
      case 'list':
        return handleList(context, served);
      case 'watch':
        return handleWatch(context, served);
      case 'create':
        return handleCreate(context, served);
      case 'update':
        return handleUpdate(context, served);
      case 'patch':
        return handlePatch(context, served);
      case 'delete':
        return handleDelete(context, served);
      case 'deletecollection':
        return handleDeleteCollection(context, served);
      default:
        throw newRouteMethodNotAllowed();
    }
  }

  async #routeSubresource(
    context: RequestContext,
    resource: Resource,
    served: Served | undefined,
  ): Promise<WireResponse> {
    const { subresource, verb } = context.info;
    const handler = this.#subresourceHandlers.get(`${resource.group}/${resource.plural}/${subresource}`);
    if (handler) {
      await admitConnect(context, resource, this.#services.admission);
      return handler(context);
    }
    const info = resource.subresources.find((s) => s.name === subresource);
    if (!info || !served) throw newPathNotFound();
    if (!info.verbs.includes(verb)) throw newRouteMethodNotAllowed();
    if (subresource === 'scale') return handleScale(context, served);
    if (resource.group === '' && resource.plural === 'pods') {
      if (subresource === 'binding') return handleBinding(context, served);
      if (subresource === 'eviction')
        return handleEviction(context, served, this.#servedAt('policy', 'v1', 'poddisruptionbudgets'));
    }
    if (!served.strategy(subresource)) throw newPathNotFound();
    switch (verb) {
      case 'get':
        return handleGet(context, served);
      case 'update':
        return handleUpdate(context, served);
      case 'patch':
        return handlePatch(context, served);
      default:
        throw newRouteMethodNotAllowed();
    }
  }

  #servedAt(group: string, version: string, plural: string): Served | undefined {
    const resource = this.find(group, version, plural);
    return resource && this.#served.get(resource);
  }

  #makeLookup(): Lookup {
    const cacheOf = (group: string, plural: string) => {
      const cache = this.#caches.get(`${group}/${plural}`);
      if (!cache) throw new Error(`lookup: no stored resource ${plural} in group ${JSON.stringify(group)}`);
      return cache;
    };
    return {
      get<T extends KubeObject>(group: string, resource: string, namespace: string, name: string): T | undefined {
        const cache = cacheOf(group, resource);
        return cache.get(cache.key(namespace, name))?.object as T | undefined;
      },
      list<T extends KubeObject>(group: string, resource: string, namespace = ''): readonly T[] {
        return Array.from(cacheOf(group, resource).namespace(namespace), ([, object]) => object.object as T);
      },
      subscribe<T extends KubeObject>(
        group: string,
        resource: string,
        onChange: (object: T | undefined, old: T | undefined) => void,
      ): () => void {
        return cacheOf(group, resource).onChange((object, old) =>
          onChange(object?.object as T | undefined, old?.object as T | undefined),
        );
      },
    };
  }
}

const byGroupAndPlural = (a: Resource, b: Resource): number =>
  a.group < b.group ? -1 : a.group > b.group ? 1 : a.plural < b.plural ? -1 : a.plural > b.plural ? 1 : 0;

const acrossNamespaces: ReadonlySet<string> = new Set(['list', 'watch', 'deletecollection']);

/** Of custom resources: a path of the other scope is none, and while their definition goes nothing new may come. */
function checkCustomRequest({ info }: RequestContext, resource: Resource, onName: boolean): void {
  const inNamespace = info.namespace !== '';
  if (resource.namespaced ? !inNamespace && (onName || !acrossNamespaces.has(info.verb)) : inNamespace)
    throw newPathNotFound();
  if (info.verb === 'create' && !resource.verbs.includes('create'))
    throw newForbidden(
      { group: resource.group, resource: resource.plural },
      info.name,
      'create not allowed while custom resource definition is terminating',
    );
}

/** Of custom resources, whatever discovery says of them while their definition goes. */
const customVerbs: readonly string[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];
