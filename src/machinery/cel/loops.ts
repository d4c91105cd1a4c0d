/** Macros over lists and maps, as plain loops. */
import type { Adapter } from './adapt.ts';
import type { LoopExpr } from './ast.ts';
import type { Frame, Run } from './frame.ts';
import { noOverload } from './functions/operators.ts';
import { bool, type CelType, dyn, listOf, mapOf } from './types.ts';
import { CelError, CelMap, entriesOf, isMapLike } from './values.ts';

/** What a round costs beside its parts, and what making a list or a map does. */
export const roundCost = 3;
export const listCost = 10;
export const mapCost = 30;

export function loopType(
  expr: LoopExpr,
  key: CelType,
  item: CelType,
  isMap: boolean,
  body: CelType | undefined,
): CelType {
  switch (expr.operation) {
    case 'all':
    case 'exists':
    case 'existsOne':
      return bool;
    case 'filter':
      return listOf(isMap ? key : item);
    case 'map':
    case 'transformList':
      return listOf(body ?? dyn);
    case 'transformMap':
      return mapOf(key, body ?? dyn);
    case 'transformMapEntry':
      return body?.kind === 'map' ? body : mapOf(dyn, dyn);
  }
}

export interface LoopParts {
  readonly first: number;
  readonly second: number | undefined;
  readonly condition: Run | undefined;
  readonly body: Run | undefined;
  readonly adapt: Adapter | undefined;
}

export function loopRun(expr: LoopExpr, range: Run, parts: LoopParts): Run {
  const { operation } = expr;
  const { first, second, condition, body, adapt } = parts;
  const holds = (frame: Frame): boolean => {
    const value = condition!(frame);
    if (typeof value !== 'boolean') throw noOverload('macro condition', value);
    return value;
  };
  /** Calls `visit` for each item until it says true. */
  const each = (frame: Frame, visit: (key: unknown, item: unknown) => boolean): void => {
    const container = range(frame);
    const { slots } = frame;
    if (Array.isArray(container)) {
      for (let i = 0; i < container.length; i++) {
        frame.spend(roundCost);
        const item = adapt ? adapt(container[i]) : container[i];
        if (second === undefined) slots[first] = item;
        else {
          slots[first] = BigInt(i);
          slots[second] = item;
        }
        if (visit(second === undefined ? item : slots[first], item)) return;
      }
    } else if (isMapLike(container)) {
      for (const [key, value] of entriesOf(container)) {
        frame.spend(roundCost);
        slots[first] = key;
        if (second !== undefined) slots[second] = adapt ? adapt(value) : value;
        if (visit(key, key)) return;
      }
    } else throw noOverload(`macro ${operation}`, container);
  };
  switch (operation) {
    case 'all':
    case 'exists': {
      const decided = operation === 'exists';
      return (frame) => {
        let failure: CelError | undefined;
        let out = !decided;
        each(frame, () => {
          try {
            if (holds(frame) !== decided) return false;
          } catch (error) {
            if (!(error instanceof CelError)) throw error;
            failure ??= error;
            return false;
          }
          out = decided;
          return true;
        });
        if (out !== decided && failure) throw failure;
        return out;
      };
    }
    case 'existsOne':
      return (frame) => {
        let count = 0;
        each(frame, () => {
          if (holds(frame)) count++;
          return false;
        });
        return count === 1;
      };
    case 'filter':
      return (frame) => {
        const out: unknown[] = [];
        each(frame, (_, item) => {
          if (holds(frame)) {
            frame.spend(listCost);
            out.push(item);
          }
          return false;
        });
        return out;
      };
    case 'map':
    case 'transformList':
      return (frame) => {
        const out: unknown[] = [];
        each(frame, () => {
          if (condition && !holds(frame)) return false;
          frame.spend(listCost);
          out.push(body!(frame));
          return false;
        });
        return out;
      };
    default:
      return (frame) => {
        const out = new CelMap();
        each(frame, (key) => {
          if (condition && !holds(frame)) return false;
          frame.spend(mapCost);
          const value = body!(frame);
          if (operation === 'transformMap') out.add(key, value);
          else if (!isMapLike(value)) throw noOverload('transformMapEntry', value);
          else
            for (const [k, v] of entriesOf(value))
              if (!out.add(k, v)) throw new CelError(`insert failed: key ${String(k)} already exists`);
          return false;
        });
        return out;
      };
  }
}
