/**
 * Field management of one endpoint: of a resource in one version, or of a sub-resource of it. Pure: objects and managers
 * in, objects and managers out.
 *
 *   update   what the write changed belongs to its manager from now on, and to nobody else
 *   apply    the configuration is merged into the object; what its manager applied before and names no more goes, unless
 *            others own it; what others own with another value is a conflict, or taken from them by force
 */
import type { KubeObject } from '../meta/object.ts';
import { jsonEqual } from '../patch/json-value.ts';
import { compare, type Comparison } from './compare.ts';
import { fieldsOf } from './config-fields.ts';
import {
  difference,
  type FieldSet,
  has,
  intersection,
  isEmpty,
  nothing,
  pathsOf,
  recursiveDifference,
  setOfFields,
  union,
} from './field-set.ts';
import { capManagers, identityOf, type Manager, managerId, type Managers, setFields } from './managers.ts';
import { mergeConfig } from './merge.ts';
import { fitToShape, removeFields, withStructs } from './remove.ts';
import type { Shape } from './shape.ts';

/** An object in one version. */
export interface Typed {
  readonly object: unknown;
  readonly shape: Shape;
}

/** Which of the fields that a request changes this endpoint really writes; the rest it resets. */
export type FieldFilter = (set: FieldSet) => FieldSet;

export interface FieldManagerOptions {
  readonly apiVersion: string;
  /** '' for the main resource. */
  readonly subresource: string;
  readonly shape: Shape;
  /** An object without any fields, as a decoder would give it. */
  empty(): KubeObject;
  readonly filter?: FieldFilter | undefined;
  /** The object (of `apiVersion`) in another version of the kind; undefined: there is no such version. */
  readonly convert?: ((object: unknown, apiVersion: string) => Typed | undefined) | undefined;
}

export interface Conflict {
  readonly manager: Manager;
  readonly path: readonly string[];
}

export class ApplyConflicts extends Error {
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    super(`${conflicts.length} fields are owned by other managers`);
    this.conflicts = conflicts;
  }
}

export interface ApplyRequest {
  /** Undefined: there is none yet. */
  readonly live: KubeObject | undefined;
  readonly config: unknown;
  readonly managers: Managers;
  readonly name: string;
  readonly time: string;
  readonly force: boolean;
  /** Fields that may be taken from others although it is not forced. */
  readonly mayTake?: (() => FieldSet | undefined) | undefined;
}

/** The identity of an object, and what only the server writes: nobody's. */
const notOwned = setOfFields(
  'apiVersion',
  'kind',
  'metadata.name',
  'metadata.namespace',
  'metadata.creationTimestamp',
  'metadata.selfLink',
  'metadata.uid',
  'metadata.clusterName',
  'metadata.generation',
  'metadata.managedFields',
  'metadata.resourceVersion',
);
const notOwnedWithMetadata: FieldSet = { ...notOwned, 'f:metadata': { '.': nothing, ...notOwned['f:metadata']! } };

/** Owns what was there before anything was applied to an object that had no managers. */
const beforeFirstApply = 'before-first-apply';

export class FieldManager {
  readonly #options: FieldManagerOptions;

  constructor(options: FieldManagerOptions) {
    this.#options = options;
  }

  get apiVersion(): string {
    return this.#options.apiVersion;
  }

  get subresource(): string {
    return this.#options.subresource;
  }

  get shape(): Shape {
    return this.#options.shape;
  }

  /** Changes `managers`. `old` is undefined for a new object. */
  update(old: unknown, object: unknown, managers: Managers, name: string, time: string): void {
    const live = old ?? this.#options.empty();
    const all = compare(live, object, this.shape);
    if (!all) return;
    const mine = this.#filtered(all);
    const byVersion = new Map<string, Comparison | undefined>([[this.apiVersion, mine]]);
    for (const [id, manager] of [...managers]) {
      const seen = this.#comparisonFor(manager.apiVersion, live, object, byVersion);
      if (seen === 'gone') managers.delete(id);
      else setFields(managers, id, manager, released(this.#fitted(manager), seen));
    }
    this.#takeOver(managers, mine, name, time);
    capManagers(managers);
  }

  /** Changes `managers`. Undefined: the object stays as it is. Throws ApplyConflicts. */
  apply(request: ApplyRequest): unknown {
    const { managers, name, time, config } = request;
    const { subresource } = this.#options;
    const live = request.live ?? this.#options.empty();
    if (managers.size === 0) this.update(undefined, live, managers, beforeFirstApply, time);
    const identity = identityOf(name, 'Apply', this.apiVersion, subresource);
    const id = managerId(identity);
    const before = managers.get(id);
    const applied = this.#filter(fieldsOf(config, this.shape));
    for (const [other, manager] of [...managers]) setFields(managers, other, manager, this.#fitted(manager));
    const last = managers.get(id);
    const me: Manager = { ...identity, time: before?.time, fields: applied };
    managers.set(id, me);
    const merged = mergeConfig(live, config, this.shape);
    const object = last && !isEmpty(last.fields) ? this.#prune(merged, managers, last) : merged;
    this.#release(request, live, object, id);
    const owned = difference(applied, notOwnedWithMetadata);
    const same = jsonEqual(live, object);
    if (isEmpty(owned)) managers.delete(id);
    else managers.set(id, { ...me, fields: owned, time: same ? me.time : time });
    return same ? undefined : object;
  }

  /** Takes what the new object changes, or no longer has, from the other managers. */
  #release({ managers, force, mayTake }: ApplyRequest, live: unknown, object: unknown, id: string): void {
    const byVersion = new Map<string, Comparison | undefined>();
    const conflicts: Conflict[] = [];
    const next: [string, Manager, FieldSet][] = [];
    for (const [other, manager] of [...managers]) {
      if (other === id) continue;
      const seen = this.#comparisonFor(manager.apiVersion, live, object, byVersion);
      if (seen === 'gone') {
        managers.delete(other);
        continue;
      }
      const taken = intersection(manager.fields, changesOf(seen));
      if (!isEmpty(taken)) for (const path of pathsOf(taken)) conflicts.push({ manager, path });
      next.push([other, manager, released(manager.fields, seen)]);
    }
    if (conflicts.length > 0 && !force) {
      const allowed = mayTake?.();
      const left = allowed ? conflicts.filter(({ path }) => !has(allowed, path)) : conflicts;
      if (left.length > 0) throw new ApplyConflicts(left);
    }
    for (const [other, manager, fields] of next) setFields(managers, other, manager, fields);
  }

  /** `merged` without what the applier had applied and neither it nor anybody else owns now. */
  #prune(merged: unknown, managers: Managers, last: Manager): unknown {
    const at = this.#inVersion(merged, last.apiVersion);
    if (!at) return merged;
    const { shape } = at;
    const lastFields = withStructs(last.fields, shape);
    let pruned = removeFields(at.object, lastFields, shape);
    pruned = this.#addBackOwned(at.object, pruned, last.apiVersion, managers);
    // Items that nobody owns but that the applier had not applied itself, inside what is taken away, stay.
    const there = withStructs(fieldsOf(at.object, shape), shape);
    const left = withStructs(fieldsOf(pruned, shape), shape);
    const gone = intersection(difference(there, left), lastFields);
    return this.#back(removeFields(at.object, gone, shape), last.apiVersion);
  }

  /** What others own comes back; `merged` and `pruned` are of `version`, as is the result. */
  #addBackOwned(merged: unknown, pruned: unknown, version: string, managers: Managers): unknown {
    const owned = new Map<string, FieldSet>();
    for (const { apiVersion, fields } of managers.values())
      owned.set(apiVersion, union(owned.get(apiVersion) ?? nothing, fields));
    const versions = [version, ...[...owned.keys()].filter((v) => v !== version)];
    let result = pruned;
    for (const v of versions) {
      const set = owned.get(v);
      const all = set && this.#inVersion(this.#back(merged, version), v);
      const some = all && this.#inVersion(this.#back(result, version), v);
      if (!some) continue;
      const { shape } = all;
      const there = withStructs(fieldsOf(all.object, shape), shape);
      const keep = union(withStructs(fieldsOf(some.object, shape), shape), withStructs(set, shape));
      const back = this.#back(removeFields(all.object, difference(there, keep), shape), v);
      result = this.#inVersion(back, version)!.object;
    }
    return result;
  }

  #inVersion(object: unknown, apiVersion: string): Typed | undefined {
    if (apiVersion === this.apiVersion) return { object, shape: this.shape };
    return this.#options.convert?.(object, apiVersion);
  }

  /** An object of that version in the one of this endpoint. */
  #back(object: unknown, apiVersion: string): unknown {
    return apiVersion === this.apiVersion ? object : this.#options.convert!(object, this.apiVersion)!.object;
  }

  #comparisonFor(
    version: string,
    live: unknown,
    object: unknown,
    known: Map<string, Comparison | undefined>,
  ): Comparison | undefined | 'gone' {
    if (known.has(version)) return known.get(version);
    const before = this.#inVersion(live, version);
    const after = this.#inVersion(object, version);
    if (!before || !after) return 'gone';
    const all = compare(before.object, after.object, before.shape);
    const result = all && this.#filtered(all);
    known.set(version, result);
    return result;
  }

  #fitted(manager: Manager): FieldSet {
    if (manager.apiVersion !== this.apiVersion) return manager.fields;
    return fitToShape(manager.fields, this.shape);
  }

  #filter(set: FieldSet): FieldSet {
    return this.#options.filter?.(set) ?? set;
  }

  #filtered(all: Comparison): Comparison {
    if (!this.#options.filter) return all;
    return {
      added: all.added && this.#filter(all.added),
      modified: all.modified && this.#filter(all.modified),
      removed: all.removed && this.#filter(all.removed),
    };
  }

  #takeOver(managers: Managers, changes: Comparison | undefined, name: string, time: string): void {
    const fields = difference(changesOf(changes), notOwnedWithMetadata);
    if (isEmpty(fields)) return;
    const identity = identityOf(name, 'Update', this.apiVersion, this.#options.subresource);
    const id = managerId(identity);
    managers.set(id, { ...identity, time, fields: union(fields, managers.get(id)?.fields ?? nothing) });
  }
}

const changesOf = (changes: Comparison | undefined): FieldSet =>
  union(changes?.added ?? nothing, changes?.modified ?? nothing);

/** What is left of a manager's fields. */
function released(fields: FieldSet, changes: Comparison | undefined): FieldSet {
  if (!changes) return fields;
  return difference(difference(fields, changesOf(changes)), changes.removed ?? nothing);
}

/** Keeps everything but these fields and what is in them. */
export const exceptFields = (...paths: readonly string[]): FieldFilter => {
  const reset = setOfFields(...paths);
  return (set) => recursiveDifference(set, reset);
};
