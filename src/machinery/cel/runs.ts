/** Closures of calls, of indexes and of selections that are not the plain case. */
import { adapterOf, type Adapter } from './adapt.ts';
import type { Compiled } from './compile.ts';
import type { Frame, Run } from './frame.ts';
import { index, NoOverload, noOverload } from './functions/operators.ts';
import { sizeOf } from './functions/standard.ts';
import type { CelFunction, Overload } from './library.ts';
import { assignable, type Bindings, type CelType, dyn, substitute } from './types.ts';
import { CelError, isMapLike, lookUp, Optional } from './values.ts';

export const selectCost = 1;

export function callRun(candidates: readonly CelFunction[], args: readonly Compiled[]): Run {
  const runs = args.map((arg) => arg.run);
  if (candidates.length > 1) {
    return (frame) => {
      const values = runs.map((run) => run(frame));
      for (const [i, candidate] of candidates.entries())
        try {
          return invoke(candidate, frame, values);
        } catch (error) {
          if (!(error instanceof NoOverload) || i === candidates.length - 1) throw error;
        }
      throw noOverload(candidates[0]!.name, ...values);
    };
  }
  const only = candidates[0]!;
  const body = only.body as (...values: unknown[]) => unknown;
  if (only.cost)
    return (frame) =>
      invoke(
        only,
        frame,
        runs.map((run) => run(frame)),
      );
  // The common shapes without an array in between.
  const [a, b] = runs;
  switch (runs.length) {
    case 1:
      return (frame) => {
        const value = a!(frame);
        frame.spend(1);
        return body(value);
      };
    case 2:
      return (frame) => {
        const left = a!(frame);
        const right = b!(frame);
        frame.spend(1);
        return body(left, right);
      };
    default:
      return (frame) => {
        const values = runs.map((run) => run(frame));
        frame.spend(1);
        return body(...values);
      };
  }
}

function invoke(candidate: CelFunction, frame: Frame, values: readonly unknown[]): unknown {
  frame.spend(1 + (candidate.cost?.(values.map(runtimeSize)) ?? 0));
  return (candidate.body as (...args: unknown[]) => unknown)(...values);
}

function runtimeSize(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value) || value instanceof Uint8Array) return value.length;
  return isMapLike(value) ? sizeOf(value) : 1;
}

export function indexRun(args: readonly Compiled[], adapt: Adapter | undefined): Run {
  const [container, key] = [args[0]!.run, args[1]!.run];
  return (frame) => {
    const value = container(frame);
    const at = key(frame);
    frame.spend(selectCost);
    const found = index(value, at);
    return adapt ? adapt(found) : found;
  };
}

/** Items of dynamic containers are raw; those of typed ones were adapted with the container. */
export const adapterFor = (container: CelType): Adapter | undefined =>
  container.kind === 'dyn' || container.kind === 'param' ? adapterOf(dyn) : undefined;

export const elementOf = (container: CelType): CelType =>
  container.kind === 'list' ? container.item : container.kind === 'map' ? container.value : dyn;

export function present(value: unknown, member: string): boolean {
  const of = value instanceof Optional ? value.value : value;
  if (of === undefined) return false;
  if (!isMapLike(of)) throw noOverload('has', of);
  return lookUp(of, member) !== undefined;
}

export function selectSlow(value: unknown, member: string, adapt: Adapter | undefined): unknown {
  if (value instanceof Optional) {
    if (!value.has) return value;
    return Optional.of(selectSlow(value.value, member, adapt));
  }
  if (!isMapLike(value)) throw noOverload('select', value);
  const found = lookUp(value, member);
  if (found === undefined) throw new CelError(`no such key: ${member}`);
  return adapt ? adapt(found) : found;
}

/** Undefined when the arguments do not fit. */
export function resultOf(overload: Overload, member: boolean, args: readonly Compiled[]): CelType | undefined {
  if (overload.member !== member || overload.params.length !== args.length) return undefined;
  const bindings: Bindings = new Map();
  for (let i = 0; i < args.length; i++) if (!assignable(overload.params[i]!, args[i]!.type, bindings)) return undefined;
  return substitute(overload.result, bindings);
}
