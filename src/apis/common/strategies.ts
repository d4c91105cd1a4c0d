/** Strategies of kinds that follow the usual pattern: the main resource owns the spec, `status` owns the status. */
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { Strategy } from '../kind.ts';
import { bumpGeneration, startGeneration } from './generation.ts';

type Loose = Record<string, unknown>;
const loose = (object: KubeObject): Loose => object as unknown as Loose;

/** Sets `field` as it is in `old`, absent included. */
export function carryOver(object: KubeObject, old: KubeObject, ...fields: readonly string[]): void {
  for (const field of fields) {
    const value = loose(old)[field];
    if (value === undefined) delete loose(object)[field];
    else loose(object)[field] = value;
  }
}

export interface SpecStrategyOptions {
  /** The status an object starts with; absent: the kind has none to clear. */
  readonly initialStatus?: (nowMs: number) => unknown;
  /** Fields whose change bumps the generation; absent: the kind has no generation. */
  readonly generationFields?: readonly string[];
}

/** For the main resource. */
export function specStrategy<T extends KubeObject>(options: SpecStrategyOptions, more: Strategy<T> = {}): Strategy<T> {
  const { initialStatus, generationFields } = options;
  return {
    ...more,
    prepareForCreate(object, context) {
      if (initialStatus) loose(object)['status'] = initialStatus(context.nowMs);
      if (generationFields) startGeneration(object);
      more.prepareForCreate?.(object, context);
    },
    prepareForUpdate(object, old, context) {
      if (initialStatus) carryOver(object, old, 'status');
      more.prepareForUpdate?.(object, old, context);
      if (generationFields) bumpGeneration(object, old, generationFields);
    },
  };
}

/** For `status`: everything but the status, and what upstream lets through of the metadata, stays. */
export function statusStrategy<T extends KubeObject>(
  more: Strategy<T> = {},
  keep: readonly string[] = ['spec'],
  keepMetadata: readonly ('labels' | 'annotations' | 'ownerReferences' | 'finalizers')[] = [],
): Strategy<T> {
  return {
    ...more,
    prepareForUpdate(object, old, context) {
      carryOver(object, old, ...keep);
      for (const field of keepMetadata) {
        if (old.metadata[field] === undefined) delete object.metadata[field];
        else (object.metadata as Loose)[field] = old.metadata[field];
      }
      const { generation } = old.metadata;
      if (generation === undefined) delete object.metadata.generation;
      else object.metadata.generation = generation;
      more.prepareForUpdate?.(object, old, context);
    },
  };
}
