/**
 * Writes of one resource, as upstream's generic registry store does them: admission, strategy, validation, hooks and one
 * compare-and-write transaction.
 *
 *   create   object -> admit -> default -> name -> prepare -> validate -> admission validates -> hooks -> put if absent
 *   update   current -> produce the new object -> as above -> put if unchanged, else again with what is there now
 *   delete   current -> admission -> plan (deletion.ts) -> put or delete if unchanged, else again
 *
 * Objects are of the served version, decoded and canonical. Results are CachedObjects: bytes and revision as written.
 */
import type { StrategyContext } from '../../apis/kind.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import {
  newAlreadyExists,
  newConflict,
  newGenerateNameConflict,
  newInvalid,
  newNotFound,
} from '../../machinery/status/errors.ts';
import { failure } from '../../machinery/status/status.ts';
import { withoutRepeats } from '../../machinery/schema/validate.ts';
import { type FieldError, invalid } from '../../machinery/validation/field-error.ts';
import { nameRuleOf, validateObjectMeta, validateObjectMetaUpdate } from '../../machinery/validation/object-meta.ts';
import type { WriteOp } from '../../store/store.ts';
import type { Attributes, Operation } from '../admission/plugin.ts';
import type { RequestContext } from '../request-context.ts';
import type { CachedObject } from '../watchcache/cached-object.ts';
import { servedObject } from '../watchcache/json-form.ts';
import { type DeleteOptions, isDeletedInSteps, planDeletion, shouldRemoveOnUpdate } from './deletion.ts';
import { keepManagedFields, keepTimes, trackUpdate } from './field-management.ts';
import type { Rollback } from './hooks.ts';
import { carryMetadata, fillNewMetadata, generateName, maxNameGenerationAttempts } from './metadata.ts';
import type { Served } from './served.ts';
import { timeText } from '../../machinery/meta/time.ts';

/** One write: whose, and to what part. */
export interface WriteScope {
  readonly context: RequestContext;
  /** '' for the main resource. */
  readonly subresource: string;
  readonly namespace: string;
  readonly dryRun: boolean;
  /**
   * Who manages the fields that this changes; absent: nobody, and what is stored stays. `null`: the producer has set
   * managedFields already (apply, scale).
   */
  readonly fieldManager?: string | null;
  /** An update of what is absent creates it, whatever the strategy says (apply). */
  readonly createIfAbsent?: boolean;
  /** Admission has seen the request already, as that of another object (Binding, Eviction, Scale). */
  readonly admitted?: boolean;
}

/** What is stored now, as a producer sees it. */
export interface Current {
  /** Readonly by promise: admission and strategies compare with it. */
  readonly object: KubeObject;
  /** The producer's own, to be changed and returned. */
  copy(): KubeObject;
}

/**
 * Makes the new object of the current one (undefined when there is none). A resourceVersion in the result must be the
 * current one; none means: whatever it is. Called again when somebody else was faster.
 */
export type Producer = (current: Current | undefined) => KubeObject | Promise<KubeObject>;

export interface WriteResult {
  readonly object: CachedObject;
  readonly created: boolean;
}

/** Times that an update is made again because somebody else was faster; then the client hears of the conflict. */
const maxUpdateAttempts = 10;

export class ObjectStore {
  readonly #served: Served;

  constructor(served: Served) {
    this.#served = served;
  }

  get #groupResource() {
    return { group: this.#served.resource.group, resource: this.#served.resource.plural };
  }

  async create(scope: WriteScope, object: KubeObject): Promise<CachedObject> {
    const { resource, services } = this.#served;
    if (object.metadata.resourceVersion)
      throw failure(500, undefined, 'resourceVersion should not be set on objects to be created');
    const nowMs = services.clock.now();
    fillNewMetadata(object.metadata, scope.namespace, services.random, nowMs);
    if (scope.fieldManager !== null) this.#manageFields(scope, object, undefined);
    if (this.#admits(scope, 'CREATE')) {
      await services.admission.admit(this.#attributes(scope, 'CREATE', object, undefined));
      resource.schema.applyDefaults(object);
    }
    const base = object.metadata.name ? undefined : object.metadata.generateName;
    if (base) object.metadata.name = generateName(services.random, base);
    const strategy = this.#served.strategy('')!;
    const strategyContext = this.#strategyContext(scope, nowMs);
    strategy.prepareForCreate?.(object, strategyContext);
    this.#refuse(object, [
      ...validateObjectMeta(object.metadata, {
        namespaced: resource.namespaced,
        nameRule: nameRuleOf(resource.kindInfo),
      }),
      ...resource.schema.validate(object),
      ...(strategy.validate?.(object, strategyContext) ?? []),
    ]);
    strategy.canonicalize?.(object);
    this.#warn(scope, strategy.warnings?.(object, undefined, strategyContext));
    if (this.#admits(scope, 'CREATE'))
      await services.admission.validate(this.#attributes(scope, 'CREATE', object, undefined));
    for (let attempt = 1; ; attempt++) {
      const written = await this.#insert(scope, object);
      if (written) return this.#ready(written);
      if (!base) throw newAlreadyExists(this.#groupResource, object.metadata.name!);
      if (attempt >= maxNameGenerationAttempts)
        throw newGenerateNameConflict(this.#groupResource, object.metadata.name!, 1);
      object.metadata.name = generateName(services.random, base);
    }
  }

  /** Undefined when the name is taken. */
  async #insert(scope: WriteScope, object: KubeObject): Promise<CachedObject | undefined> {
    const key = this.#served.cache.key(scope.namespace, object.metadata.name!);
    if (scope.dryRun && this.#served.cache.get(key)) return undefined;
    const rollbacks: Rollback[] = [];
    let done = false;
    try {
      for (const hook of this.#served.hooks) {
        const rollback = await hook.beforeCreate?.(object, { ...scope });
        if (rollback) rollbacks.unshift(rollback);
      }
      const encoded = this.#served.encode(object);
      const bytes = encoded instanceof Uint8Array ? encoded : await encoded;
      if (scope.dryRun) return this.#read(key, bytes, 0, object);
      const revision = await this.#write(
        key,
        0,
        { op: 'put', key, value: bytes, ...this.#putOptions() },
        object,
        bytes,
      );
      if (typeof revision !== 'number') return undefined;
      done = true;
      return this.#read(key, bytes, revision, object);
    } finally {
      if (!done) await this.#undo(rollbacks);
    }
  }

  async update(scope: WriteScope, name: string, produce: Producer): Promise<WriteResult> {
    const { resource, services, cache } = this.#served;
    const strategy = this.#served.strategy(scope.subresource);
    if (!strategy) throw newNotFound(this.#groupResource, name);
    const key = cache.key(scope.namespace, name);
    await services.hub.waitForCurrent();
    let current = cache.get(key);
    for (let attempt = 1; ; attempt++) {
      if (!current) {
        if (scope.subresource !== '' || !(scope.createIfAbsent || strategy.allowCreateOnUpdate))
          throw newNotFound(this.#groupResource, name);
        const object = await produce(undefined);
        if (object.metadata.uid) throw this.#uidConflict(name, object.metadata.uid, '');
        delete object.metadata.resourceVersion;
        return { object: await this.create(scope, object), created: true };
      }
      await this.#ready(current);
      const old = servedObject(resource, current);
      const at = current;
      const object = await produce({ object: old, copy: () => servedObject(resource, at) });
      const outcome = await this.#replace(scope, key, current, old, object);
      if (outcome.written) return { object: await this.#ready(outcome.written), created: false };
      if (attempt >= maxUpdateAttempts) throw newConflict(this.#groupResource, name);
      current = outcome.current;
    }
  }

  async #replace(
    scope: WriteScope,
    key: string,
    current: CachedObject,
    old: KubeObject,
    object: KubeObject,
  ): Promise<{ readonly written?: CachedObject; readonly current?: CachedObject | undefined }> {
    const { resource, services } = this.#served;
    const strategy = this.#served.strategy(scope.subresource)!;
    this.#checkVersion(object, current, old, strategy.allowUnconditionalUpdate ?? true);
    object.metadata.resourceVersion = String(current.revision);
    if (scope.fieldManager !== null) this.#manageFields(scope, object, old);
    if (this.#admits(scope, 'UPDATE')) {
      await services.admission.admit(this.#attributes(scope, 'UPDATE', object, old));
      resource.schema.applyDefaults(object);
    }
    const strategyContext = this.#strategyContext(scope, services.clock.now());
    carryMetadata(object.metadata, old.metadata);
    const { managedFields } = object.metadata;
    strategy.prepareForUpdate?.(object, old, strategyContext);
    // Strategies that carry the whole of the metadata over do not mean the managers.
    if (managedFields) object.metadata.managedFields = managedFields;
    else delete object.metadata.managedFields;
    this.#refuse(object, [
      ...validateObjectMetaUpdate(object.metadata, old.metadata),
      ...resource.schema.validate(object),
      ...(strategy.validateUpdate?.(object, old, strategyContext) ?? []),
    ]);
    strategy.canonicalize?.(object);
    this.#warn(scope, strategy.warnings?.(object, old, strategyContext));
    if (this.#admits(scope, 'UPDATE'))
      await services.admission.validate(this.#attributes(scope, 'UPDATE', object, old));
    const rollbacks: Rollback[] = [];
    let done = false;
    try {
      for (const hook of this.#served.hooks) {
        const rollback = await hook.beforeUpdate?.(object, old, { ...scope });
        if (rollback) rollbacks.unshift(rollback);
      }
      keepTimes(object, old);
      const encoded = this.#served.encode(object);
      const bytes = encoded instanceof Uint8Array ? encoded : await encoded;
      if (scope.dryRun) return { written: this.#read(key, bytes, current.revision, object) };
      const remove = shouldRemoveOnUpdate(resource, object, old);
      if (!remove && this.#served.isStored(bytes, current)) return { written: current };
      const op: WriteOp = remove
        ? { op: 'delete', key, ...this.#durability() }
        : { op: 'put', key, value: bytes, ...this.#putOptions() };
      const result = await this.#write(key, current.revision, op, object, bytes);
      if (typeof result !== 'number') return { current: result.current };
      done = true;
      if (remove) await this.#afterDelete(scope, old);
      return { written: this.#read(key, bytes, result, object) };
    } finally {
      if (!done) await this.#undo(rollbacks);
    }
  }

  /** `removed`: the object is gone; otherwise it is terminating. `object` is its last state. */
  async delete(
    scope: WriteScope,
    name: string,
    options: DeleteOptions,
  ): Promise<{ readonly object: CachedObject; readonly removed: boolean }> {
    const { resource, services, cache } = this.#served;
    const key = cache.key(scope.namespace, name);
    await services.hub.waitForCurrent();
    let current = cache.get(key);
    let admitted = false;
    for (let attempt = 1; ; attempt++) {
      if (!current) throw newNotFound(this.#groupResource, name);
      await this.#ready(current);
      const object = servedObject(resource, current);
      this.#checkPreconditions(object, options);
      if (!admitted && this.#admits(scope, 'DELETE')) {
        await services.admission.admit(this.#attributes(scope, 'DELETE', undefined, object));
        await services.admission.validate(this.#attributes(scope, 'DELETE', undefined, object));
        admitted = true;
      }
      const plan = planDeletion(resource, object, options, services.clock.now());
      if (plan.action === 'pending') return { object: current, removed: false };
      // What is told of the object: as it was, or with its end marked in it.
      const marked = plan.object && (await this.#served.encode(plan.object));
      const at = current;
      const told = (revision: number) => (marked ? this.#read(key, marked, revision, plan.object!) : at.at(revision));
      if (scope.dryRun) return { object: told(current.revision), removed: plan.action === 'remove' };
      let op: WriteOp;
      let bytes = current.bytes;
      if (plan.action === 'remove') op = { op: 'delete', key, ...this.#durability() };
      else {
        bytes = marked!;
        op = { op: 'put', key, value: bytes, ...this.#putOptions() };
      }
      const result = await this.#write(key, current.revision, op, object, bytes);
      if (typeof result === 'number') {
        if (plan.action === 'mark')
          return { object: await this.#ready(this.#read(key, bytes, result, plan.object)), removed: false };
        await this.#afterDelete(scope, object);
        return { object: await this.#ready(told(result)), removed: true };
      }
      if (attempt >= maxUpdateAttempts) throw newConflict(this.#groupResource, name);
      current = result.current;
    }
  }

  /** The object, when it can be read in the served version. */
  async #ready(object: CachedObject): Promise<CachedObject> {
    if (this.#served.convertsLater) await this.#served.prepare([object]);
    return object;
  }

  /** The revision of the write, or what is there instead of what was expected. */
  async #write(
    key: string,
    expected: number,
    op: WriteOp,
    object: KubeObject,
    bytes: Uint8Array,
  ): Promise<number | { readonly current: CachedObject | undefined }> {
    const { cache, services, resource } = this.#served;
    if (op.op === 'put' && !resource.storage?.conversion) cache.hint(bytes, object);
    const result = await services.store.txn({ compare: [{ key, modRevision: expected }], success: [op] });
    if (result.succeeded) {
      services.hub.noteWritten(result.revision);
      return result.revision;
    }
    const kv = result.current[0];
    return { current: kv && cache.read(key, kv.value, kv.modRevision) };
  }

  #read(key: string, bytes: Uint8Array, revision: number, object: KubeObject): CachedObject {
    return this.#served.cache.view(
      key,
      bytes,
      revision,
      this.#served.resource.storage?.conversion ? undefined : object,
    );
  }

  #putOptions() {
    const { ttlSeconds } = this.#served.resource.kindInfo;
    const durability = this.#durability();
    return ttlSeconds === undefined
      ? durability
      : { ...durability, expiresAtMs: this.#served.services.clock.now() + ttlSeconds * 1000 };
  }

  #durability() {
    const { durability } = this.#served.resource.kindInfo;
    return durability === undefined ? {} : { durability };
  }

  #admits(scope: WriteScope, operation: Operation): boolean {
    return !scope.admitted && this.#served.services.admission.handles(operation);
  }

  #checkVersion(object: KubeObject, current: CachedObject, old: KubeObject, unconditional: boolean): void {
    const { resourceVersion: text, uid } = object.metadata;
    const currentUid = old.metadata.uid;
    if (uid && uid !== currentUid) throw this.#uidConflict(current.name, uid, currentUid);
    if (!text) {
      if (!unconditional)
        this.#refuse(object, [invalid('metadata.resourceVersion', 0, 'must be specified for an update')]);
      return;
    }
    if (!/^\d{1,19}$/.test(text))
      this.#refuse(object, [
        invalid('metadata.resourceVersion', text, `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`),
      ]);
    if (Number(text) !== current.revision) throw newConflict(this.#groupResource, current.name);
  }

  #uidConflict(name: string, wanted: string, found: string | undefined) {
    const why = `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${found ?? ''}`;
    return newConflict(this.#groupResource, name, why);
  }

  /**
   * Upstream names the kind here, where other conflicts name the resource; what deletes itself in steps (namespaces,
   * definitions) has words of its own.
   */
  #checkPreconditions(object: KubeObject, { preconditions }: DeleteOptions): void {
    const { uid, resourceVersion, name } = object.metadata;
    const { resource } = this.#served;
    const refuse = (what: string, wanted: string, found: string | undefined) => {
      if (isDeletedInSteps(resource)) {
        const why = `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${found ?? ''}`;
        return newConflict(this.#groupResource, name!, why);
      }
      const fate = what === 'UID' ? 'deleted and then recreated' : 'modified';
      const why = `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${found ?? ''})`;
      const { group, kind } = resource;
      return newConflict({ group, resource: kind }, name!, `${why}. The object might have been ${fate}`);
    };
    if (preconditions.uid !== undefined && preconditions.uid !== uid) throw refuse('UID', preconditions.uid, uid);
    if (preconditions.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion)
      throw refuse('ResourceVersion', preconditions.resourceVersion, resourceVersion);
  }

  /** Throws the 422 of these errors; the same error is told once. */
  #refuse(object: KubeObject, errors: readonly FieldError[]): void {
    if (errors.length === 0) return;
    const { group, kind } = this.#served.resource;
    throw newInvalid(
      { group, kind },
      object.metadata.name ?? object.metadata.generateName ?? '',
      withoutRepeats(errors),
    );
  }

  #warn(scope: WriteScope, warnings: readonly string[] | undefined): void {
    const told = scope.context.warnings;
    for (const warning of warnings ?? []) if (!told.includes(warning)) told.push(warning);
  }

  #strategyContext(scope: WriteScope, nowMs: number): StrategyContext {
    return {
      namespace: scope.namespace || undefined,
      user: scope.context.user,
      nowMs,
      subresource: scope.subresource || undefined,
      dryRun: scope.dryRun,
    };
  }

  #attributes(
    scope: WriteScope,
    operation: Operation,
    object: KubeObject | undefined,
    oldObject: KubeObject | undefined,
  ): Attributes {
    const { resource } = this.#served;
    return {
      context: scope.context,
      operation,
      group: resource.group,
      version: resource.version,
      kind: resource.kind,
      resource: resource.plural,
      subresource: scope.subresource,
      namespace: scope.namespace,
      name: (object ?? oldObject)?.metadata.name ?? '',
      object,
      oldObject,
      dryRun: scope.dryRun,
      served: resource,
    };
  }

  #manageFields(scope: WriteScope, object: KubeObject, old: KubeObject | undefined): void {
    const { fieldManager, subresource } = scope;
    if (fieldManager === undefined || fieldManager === null) {
      keepManagedFields(object, old);
      return;
    }
    const time = timeText(this.#served.services.clock.now());
    trackUpdate(this.#served.fieldManager(subresource), object, old, fieldManager, time);
  }

  async #undo(rollbacks: readonly Rollback[]): Promise<void> {
    for (const rollback of rollbacks) {
      try {
        await rollback();
      } catch (error) {
        this.#served.services.onError(error, `rolling back a write of ${this.#served.resource.plural}`);
      }
    }
  }

  async #afterDelete(scope: WriteScope, old: KubeObject): Promise<void> {
    for (const hook of this.#served.hooks) {
      try {
        await hook.afterDelete?.(old, { ...scope });
      } catch (error) {
        this.#served.services.onError(
          error,
          `after the deletion of ${this.#served.resource.plural} ${old.metadata.name}`,
        );
      }
    }
  }
}
