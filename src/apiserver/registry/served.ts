/** A served resource at run time: its cache, strategies and forms, and what all resources share. */
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { Strategy } from '../../apis/kind.ts';
import type { FieldManager } from '../../machinery/managedfields/field-manager.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { Store } from '../../store/store.ts';
import type { AdmissionChain } from '../admission/chain.ts';
import type { Negotiated } from '../handlers/negotiate.ts';
import { type IncludeObject, TableForm } from '../tables/table-form.ts';
import type { CachedObject } from '../watchcache/cached-object.ts';
import type { Form } from '../watchcache/form.ts';
import type { WatchHub } from '../watchcache/hub.ts';
import { JsonForm } from '../watchcache/json-form.ts';
import { MetadataForm } from '../watchcache/metadata-form.ts';
import { ProtobufForm, ProtobufMetadataForm } from '../watchcache/protobuf-form.ts';
import type { WatchCache } from '../watchcache/watch-cache.ts';
import { fieldManagerOf } from './field-management.ts';
import type { StorageHooks } from './hooks.ts';
import type { Resource } from './resource.ts';
import { mainStrategy, subresourceStrategy } from './strategies.ts';
import { encodeStored } from './stored-form.ts';

export interface Services {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly hub: WatchHub;
  readonly admission: AdmissionChain;
  readonly onError: (error: unknown, what: string) => void;
}

export class Served {
  readonly resource: Resource;
  readonly cache: WatchCache;
  readonly services: Services;
  readonly hooks: readonly StorageHooks[];
  readonly #strategies = new Map<string, Strategy | undefined>();
  readonly #fieldManagers = new Map<string, FieldManager>();
  readonly #siblings: readonly Resource[];
  readonly #forms = new Map<string, Form>();
  readonly json: JsonForm;

  /** `siblings`: the resources that are stored in the same place, this one among them. */
  constructor(
    resource: Resource,
    cache: WatchCache,
    services: Services,
    hooks: readonly StorageHooks[],
    siblings: readonly Resource[] = [resource],
  ) {
    this.resource = resource;
    this.cache = cache;
    this.services = services;
    this.hooks = hooks;
    this.#siblings = siblings;
    this.json = new JsonForm(resource);
  }

  /** '' is the main resource. Undefined: a sub-resource that is not written by a strategy. */
  strategy(subresource: string): Strategy | undefined {
    let strategy = this.#strategies.get(subresource);
    if (strategy === undefined && !this.#strategies.has(subresource)) {
      strategy = subresource === '' ? mainStrategy(this.resource) : subresourceStrategy(this.resource, subresource);
      this.#strategies.set(subresource, strategy);
    }
    return strategy;
  }

  fieldManager(subresource: string): FieldManager {
    let manager = this.#fieldManagers.get(subresource);
    if (!manager) {
      manager = fieldManagerOf(this.resource, subresource, this.#siblings);
      this.#fieldManagers.set(subresource, manager);
    }
    return manager;
  }

  form(negotiated: Negotiated, include: IncludeObject = 'Metadata'): Form {
    const inProtobuf = negotiated.encoding === 'protobuf';
    if (negotiated.as === 'object' && !inProtobuf) return this.json;
    const id = `${inProtobuf} ${negotiated.as} ${negotiated.metaVersion} ${include}`;
    let form = this.#forms.get(id);
    if (!form) {
      form = this.#makeForm(negotiated, include);
      this.#forms.set(id, form);
    }
    return form;
  }

  #makeForm({ as, encoding, metaVersion }: Negotiated, include: IncludeObject): Form {
    switch (as) {
      case 'object':
        return encoding === 'protobuf' ? new ProtobufForm(this.resource) : this.json;
      case 'table':
        return new TableForm(this.resource, metaVersion, include, this.services.clock);
      case 'metadata':
        return encoding === 'protobuf' ? new ProtobufMetadataForm(metaVersion) : new MetadataForm(metaVersion);
    }
  }

  /** The bytes to store for an object of the served version. */
  encode(object: KubeObject): Uint8Array | Promise<Uint8Array> {
    const { conversion, seal } = this.resource.storage ?? {};
    if (conversion?.convertForStorage)
      return conversion.convertForStorage(object).then((stored) => {
        const bytes = encodeStored(conversion.encode, stored);
        return seal ? seal(bytes) : bytes;
      });
    const bytes = conversion
      ? encodeStored(conversion.encode, conversion.toStorage({ ...object }))
      : encodeStored(this.resource.schema.encode, object);
    return seal ? seal(bytes) : bytes;
  }

  /** To be called before objects are read in the served version, where conversion has to be waited for. */
  async prepare(objects: Iterable<CachedObject | undefined>): Promise<void> {
    const { conversion } = this.resource.storage ?? {};
    if (!conversion?.prepare) return;
    const decoded: KubeObject[] = [];
    for (const object of objects) if (object) decoded.push(object.decode());
    await conversion.prepare(decoded);
  }

  /** In the served version: the caller's own. Where conversion has to be waited for, `prepare` was called for it. */
  convert(object: CachedObject): KubeObject {
    const { conversion } = this.resource.storage ?? {};
    return conversion ? conversion.fromStorage(object.decode()) : object.decode();
  }

  get convertsLater(): boolean {
    return this.resource.storage?.conversion?.prepare !== undefined;
  }

  /** Whether storing `bytes` (made by `encode`) would leave what is stored as it is. */
  isStored(bytes: Uint8Array, current: CachedObject): boolean {
    if (current.stale) return false;
    return sameBytes(this.cache.reader.unseal?.(bytes, true).bytes ?? bytes, current.bytes);
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
