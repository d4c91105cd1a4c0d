/**
 * One pass over an expression: types are checked, closures are made, and the cost is estimated. A closure takes a frame
 * (the slots of its variables and what has been spent) and gives the value, or throws CelError.
 */
import { adapterOf, type Adapter } from './adapt.ts';
import type { Run } from './frame.ts';
import { listCost, loopRun, loopType, mapCost, roundCost } from './loops.ts';
import { adapterFor, callRun, elementOf, indexRun, present, resultOf, selectCost, selectSlow } from './runs.ts';
import { CelIssues, type Expr, type Issue, type LoopExpr, type StructEntry } from './ast.ts';
import type { CelFunction } from './library.ts';
import { noOverload } from './functions/operators.ts';
import { sizeOf } from './functions/standard.ts';
import { qualifiedName } from './parse.ts';
import {
  assignable,
  type Bindings,
  bool,
  bytes,
  type CelType,
  double,
  dyn,
  int,
  join,
  listOf,
  mapOf,
  nullType,
  optionalOf,
  param,
  string,
  typeOf,
  typeText,
  uint,
} from './types.ts';
import { CelError, CelMap, isMapLike, lookUp, Optional, TypeValue, Uint } from './values.ts';

export interface Compiled {
  readonly type: CelType;
  readonly run: Run;
  /** The largest cost of evaluating it. */
  readonly cost: number;
  /** The largest size of its value: characters, items, entries. */
  readonly size: number;
}

export interface CompileScope {
  /** Variables by name; the slot of each is its place. */
  readonly variables: ReadonlyMap<string, CelType>;
  readonly functions: ReadonlyMap<string, readonly CelFunction[]>;
  /** Names that stand for types. */
  readonly types: ReadonlyMap<string, CelType>;
  /** Messages that expressions may make; undefined: there is no such type. */
  readonly struct?: ((name: string) => CelType | undefined) | undefined;
  /** Lists and maps hold values of one type. */
  readonly homogeneous: boolean;
  /** The size of what has no bound. */
  readonly unboundedSize: number;
}

const identCost = 1;
const structCost = 40;

/** Throws CelIssues. */
export function compileExpr(
  source: string,
  expr: Expr,
  scope: CompileScope,
): Compiled & { readonly slots: number; readonly reads: ReadonlySet<string> } {
  const compiler = new Compiler(scope);
  const compiled = compiler.compile(expr);
  if (compiler.issues.length > 0) throw new CelIssues(source, compiler.issues);
  return { ...compiled, slots: compiler.slots, reads: compiler.reads };
}

const sizedMax = (type: CelType): number | undefined => ('size' in type ? type.size?.max : undefined);

class Compiler {
  readonly issues: Issue[] = [];
  readonly #scope: CompileScope;
  readonly #locals: { readonly name: string; readonly type: CelType; readonly slot: number; readonly size: number }[] =
    [];
  readonly #slots = new Map<string, number>();
  #mixed = 0;
  slots: number;
  /** Names of the scope's variables that the expression reads. */
  readonly reads = new Set<string>();

  constructor(scope: CompileScope) {
    this.#scope = scope;
    let slot = 0;
    for (const name of scope.variables.keys()) this.#slots.set(name, slot++);
    this.slots = slot;
  }

  #issue(at: number, message: string): Compiled {
    this.issues.push({ at, message });
    return this.#made(dyn, () => {
      throw new CelError(message);
    });
  }

  #made(type: CelType, run: Run, cost = 0, size = this.#sizeOf(type)): Compiled {
    return { type, run, cost, size };
  }

  #sizeOf(type: CelType): number {
    const known = sizedMax(type);
    if (known !== undefined) return known;
    switch (type.kind) {
      case 'string':
      case 'bytes':
      case 'list':
      case 'map':
      case 'dyn':
        return this.#scope.unboundedSize;
      default:
        return 1;
    }
  }

  compile(expr: Expr): Compiled {
    switch (expr.kind) {
      case 'const':
        return this.#constant(expr.value);
      case 'ident':
        return this.#ident(expr.name.replace(/^\./, ''), expr.at, expr.name.startsWith('.'));
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return this.#struct(expr.name, expr.fields, expr.at);
      case 'loop':
        return this.#loop(expr);
      case 'optMap':
        return this.#optMap(expr);
    }
  }

  #constant(value: unknown): Compiled {
    const type =
      value === null
        ? nullType
        : typeof value === 'boolean'
          ? bool
          : typeof value === 'bigint'
            ? int
            : typeof value === 'number'
              ? double
              : typeof value === 'string'
                ? string
                : value instanceof Uint
                  ? uint
                  : bytes;
    const size = typeof value === 'string' || value instanceof Uint8Array ? sizeOf(value) : 1;
    return this.#made(type, () => value, 0, size);
  }

  #variable(
    name: string,
    rooted = false,
  ): { readonly type: CelType; readonly slot: number; readonly size: number } | undefined {
    if (!rooted)
      for (let i = this.#locals.length - 1; i >= 0; i--) if (this.#locals[i]!.name === name) return this.#locals[i];
    const type = this.#scope.variables.get(name);
    return type && { type, slot: this.#slots.get(name)!, size: this.#sizeOf(type) };
  }

  #ident(name: string, at: number, rooted = false): Compiled {
    const variable = this.#variable(name, rooted);
    if (variable) {
      const { slot, type, size } = variable;
      if (slot < this.#scope.variables.size) this.reads.add(name);
      const read: Run = (frame) => {
        frame.spend(identCost);
        const value = frame.slots[slot];
        if (value === undefined) throw new CelError(`no such attribute(s): ${name}`);
        return value;
      };
      return this.#made(type, read, identCost, size);
    }
    return this.#typeName(name) ?? this.#issue(at, `undeclared reference to '${name}' (in container '')`);
  }

  #typeName(name: string): Compiled | undefined {
    const type = this.#scope.types.get(name);
    if (!type) return undefined;
    const value = new TypeValue(name);
    return this.#made(typeOf(type), () => value);
  }

  #select(expr: Extract<Expr, { kind: 'select' }>): Compiled {
    const qualified = expr.test || expr.optional ? undefined : qualifiedName(expr);
    if (qualified !== undefined) {
      const name = qualified.replace(/^\./, '');
      // The longest name that is declared: `authorizer.requestResource` is a variable beside `authorizer`.
      if (this.#variable(name)) return this.#ident(name, expr.at);
      const type = this.#variable(name.split('.')[0]!) ? undefined : this.#typeName(name);
      if (type) return type;
    }
    const operand = this.compile(expr.operand);
    const isOptional = operand.type.kind === 'opaque' && operand.type.name === 'optional_type';
    const inner = isOptional ? (operand.type as { params: readonly CelType[] }).params[0]! : operand.type;
    const field = this.#field(inner, expr.field, expr.at);
    if (!field) return this.#made(dyn, () => undefined);
    const cost = operand.cost + selectCost;
    const { adapt, member, type } = field;
    const { run } = operand;
    if (expr.test)
      return this.#made(
        bool,
        (frame) => {
          const value = run(frame);
          frame.spend(selectCost);
          return present(value, member);
        },
        cost,
      );
    if (expr.optional || isOptional)
      return this.#made(
        optionalOf(type),
        (frame) => {
          let value = run(frame);
          frame.spend(selectCost);
          if (value instanceof Optional) {
            if (!value.has) return value;
            value = value.value;
          }
          if (!isMapLike(value)) throw noOverload('_?._', value);
          const found = lookUp(value, member);
          return found === undefined ? Optional.none : Optional.of(adapt ? adapt(found) : found);
        },
        cost,
        this.#sizeOf(type),
      );
    return this.#made(
      type,
      (frame) => {
        const value = run(frame);
        frame.spend(selectCost);
        if (typeof value === 'object' && value !== null && !(value instanceof CelMap)) {
          const found = (value as Record<string, unknown>)[member];
          if (found !== undefined && Object.hasOwn(value, member)) return adapt ? adapt(found) : found;
        }
        return selectSlow(value, member, adapt);
      },
      cost,
    );
  }

  #field(
    type: CelType,
    name: string,
    at: number,
  ): { readonly type: CelType; readonly member: string; readonly adapt: Adapter | undefined } | undefined {
    switch (type.kind) {
      case 'object': {
        const field = type.fields.get(name);
        if (field) return { type: field.type, member: field.name, adapt: adapterOf(field.type) };
        this.#issue(at, `undefined field '${name}'`);
        return undefined;
      }
      case 'map':
        return { type: type.value, member: name, adapt: undefined };
      case 'dyn':
      case 'param':
        return { type: dyn, member: name, adapt: adapterOf(dyn) };
      default:
        this.#issue(at, `type '${typeText(type)}' does not support field selection`);
        return undefined;
    }
  }

  #call(expr: Extract<Expr, { kind: 'call' }>): Compiled {
    switch (expr.name) {
      case '_&&_':
      case '_||_':
        return this.#logic(expr);
      case '_?_:_':
        return this.#conditional(expr);
      case '_[?_]':
        return this.#optionalIndex(expr);
    }
    const { functions } = this.#scope;
    if (expr.target) {
      const namespace = qualifiedName(expr.target)?.replace(/^\./, '');
      const name = namespace === undefined ? '' : `${namespace}.${expr.name}`;
      if (name !== '' && functions.has(name) && !this.#variable(namespace!.split('.')[0]!))
        return this.#invoke(name, false, expr.args, expr.at);
      return this.#invoke(expr.name, true, [expr.target, ...expr.args], expr.at);
    }
    return this.#invoke(expr.name.replace(/^\./, ''), false, expr.args, expr.at);
  }

  #invoke(name: string, member: boolean, argExprs: readonly Expr[], at: number): Compiled {
    // What is formatted may be of any types.
    if (name === 'format') this.#mixed++;
    const args = argExprs.map((arg) => this.compile(arg));
    if (name === 'format') this.#mixed--;
    const known = this.#scope.functions.get(name);
    if (!known?.some((one) => one.overloads.length > 0))
      return this.#issue(at, `undeclared reference to '${name}' (in container '')`);
    if (name === '_[_]' && args[0]!.type.kind === 'opaque' && args[0]!.type.name === 'optional_type')
      return this.#indexOptional(args[0]!, args[1]!);
    const found = this.#resolve(known, member, args);
    if (!found) {
      const types = args.map((arg) => typeText(arg.type));
      const applied = member ? `${types[0]}.(${types.slice(1).join(', ')})` : `(${types.join(', ')})`;
      return this.#issue(at, `found no matching overload for '${name}' applied to '${applied}'`);
    }
    const { candidates, type } = found;
    const costs = candidates.map((one) => one.cost?.(args.map((arg) => arg.size)) ?? 0);
    const cost = args.reduce((sum, arg) => sum + arg.cost, 1 + Math.max(0, ...costs));
    const sizes = candidates.map((one) => one.resultSize?.(args.map((arg) => arg.size)));
    const size = sizes.every((one) => one !== undefined)
      ? Math.max(...(sizes as number[]))
      : type.kind === 'list' || type.kind === 'map' || type.kind === 'string' || type.kind === 'bytes'
        ? Math.max(1, ...args.map((arg) => arg.size))
        : this.#sizeOf(type);
    const run = name === '_[_]' ? indexRun(args, adapterFor(args[0]!.type)) : callRun(candidates, args);
    return { type, run, cost, size };
  }

  #resolve(
    known: readonly CelFunction[],
    member: boolean,
    args: readonly Compiled[],
  ): { readonly candidates: readonly CelFunction[]; readonly type: CelType } | undefined {
    const candidates: CelFunction[] = [];
    let type: CelType | undefined;
    for (const one of known)
      for (const overload of one.overloads) {
        const result = resultOf(overload, member, args);
        if (!result) continue;
        if (!candidates.includes(one)) candidates.push(one);
        type = type ? join(type, result) : result;
      }
    return type && { candidates, type };
  }

  #logic(expr: Extract<Expr, { kind: 'call' }>): Compiled {
    const [left, right] = [this.compile(expr.args[0]!), this.compile(expr.args[1]!)];
    for (const [i, side] of [left, right].entries())
      if (side.type.kind !== 'bool' && side.type.kind !== 'dyn' && side.type.kind !== 'param')
        return this.#issue(expr.args[i]!.at, `expected type 'bool' but found '${typeText(side.type)}'`);
    const decided = expr.name === '_||_';
    const [a, b] = [left.run, right.run];
    const run: Run = (frame) => {
      let first: unknown;
      try {
        first = a(frame);
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        // The other side may decide alone.
        if (b(frame) === decided) return decided;
        throw error;
      }
      if (first === decided) return decided;
      const second = b(frame);
      if (second === decided) return decided;
      if (typeof first !== 'boolean' || typeof second !== 'boolean') throw noOverload(expr.name, first, second);
      return !decided;
    };
    return this.#made(bool, run, left.cost + right.cost);
  }

  #conditional(expr: Extract<Expr, { kind: 'call' }>): Compiled {
    const [condition, yes, no] = expr.args.map((arg) => this.compile(arg)) as [Compiled, Compiled, Compiled];
    const bindings: Bindings = new Map();
    const wrong =
      !assignable(bool, condition.type, bindings) ||
      !(assignable(yes.type, no.type, bindings) || assignable(no.type, yes.type, bindings));
    if (wrong) {
      const types = [condition, yes, no].map((one) => typeText(one.type)).join(', ');
      return this.#issue(expr.at, `found no matching overload for '_?_:_' applied to '(${types})'`);
    }
    const [test, a, b] = [condition.run, yes.run, no.run];
    return {
      type: yes.type.kind === 'null' ? no.type : join(yes.type, no.type),
      run: (frame) => {
        const chosen = test(frame);
        if (typeof chosen !== 'boolean') throw noOverload('_?_:_', chosen);
        return chosen ? a(frame) : b(frame);
      },
      cost: condition.cost + Math.max(yes.cost, no.cost),
      size: Math.max(yes.size, no.size),
    };
  }

  #optionalIndex(expr: Extract<Expr, { kind: 'call' }>): Compiled {
    const [operand, key] = [this.compile(expr.args[0]!), this.compile(expr.args[1]!)];
    return this.#indexOptional(operand, key);
  }

  #indexOptional(operand: Compiled, key: Compiled): Compiled {
    const isOptional = operand.type.kind === 'opaque' && operand.type.name === 'optional_type';
    const container = isOptional ? (operand.type as { params: readonly CelType[] }).params[0]! : operand.type;
    const adapt = adapterFor(container);
    return this.#made(
      optionalOf(elementOf(container)),
      (frame) => {
        let value = operand.run(frame);
        const at = key.run(frame);
        frame.spend(selectCost);
        if (value instanceof Optional) {
          if (!value.has) return value;
          value = value.value;
        }
        if (isMapLike(value)) {
          const found = lookUp(value, at);
          return found === undefined ? Optional.none : Optional.of(adapt ? adapt(found) : found);
        }
        if (!Array.isArray(value)) throw noOverload('_[?_]', value, at);
        const i = Number(at);
        return i >= 0 && i < value.length ? Optional.of(adapt ? adapt(value[i]) : value[i]) : Optional.none;
      },
      operand.cost + key.cost + selectCost,
    );
  }

  #list(expr: Extract<Expr, { kind: 'list' }>): Compiled {
    const items = expr.items.map((item) => this.compile(item));
    const type = this.#common(items, expr.items, expr.optional);
    const runs = items.map((item) => item.run);
    const { optional } = expr;
    const run: Run = (frame) => {
      frame.spend(listCost);
      const out: unknown[] = [];
      for (let i = 0; i < runs.length; i++) {
        const value = runs[i]!(frame);
        if (!optional[i]) out.push(value);
        else if (!(value instanceof Optional)) throw noOverload('optional list entry', value);
        else if (value.has) out.push(value.value);
      }
      return out;
    };
    const cost = items.reduce((sum, item) => sum + item.cost, listCost);
    return this.#made(listOf(type), run, cost, items.length);
  }

  /** The type of all of them. */
  #common(items: readonly Compiled[], exprs: readonly Expr[], optional: readonly boolean[]): CelType {
    let type: CelType | undefined;
    for (const [i, item] of items.entries()) {
      let own = item.type;
      if (optional[i] && own.kind === 'opaque' && own.name === 'optional_type') own = own.params[0]!;
      if (!type) type = own;
      else if (assignable(type, own, new Map())) type = type.kind === 'null' ? own : type;
      else if (assignable(own, type, new Map())) type = own;
      else if (this.#scope.homogeneous && this.#mixed === 0)
        this.#issue(exprs[i]!.at, `expected type '${typeText(type)}' but found '${typeText(own)}'`);
      else type = dyn;
    }
    return type ?? param('E');
  }

  #map(expr: Extract<Expr, { kind: 'map' }>): Compiled {
    const keys = expr.entries.map((entry) => this.compile(entry.key));
    const values = expr.entries.map((entry) => this.compile(entry.value));
    const never = expr.entries.map(() => false);
    const optional = expr.entries.map((entry) => entry.optional);
    const keyType = this.#common(
      keys,
      expr.entries.map((entry) => entry.key),
      never,
    );
    const valueType = this.#common(
      values,
      expr.entries.map((entry) => entry.value),
      optional,
    );
    const run: Run = (frame) => {
      frame.spend(mapCost);
      const map = new CelMap();
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i]!.run(frame);
        let value = values[i]!.run(frame);
        if (!['string', 'bigint', 'boolean'].includes(typeof key) && !(key instanceof Uint))
          throw new CelError(`unsupported key type: ${typeof key}`);
        if (optional[i]) {
          if (!(value instanceof Optional)) throw noOverload('optional map entry', value);
          if (!value.has) continue;
          value = value.value;
        }
        if (!map.add(key, value)) throw new CelError(`duplicate key: ${String(key)}`);
      }
      return map;
    };
    const cost = [...keys, ...values].reduce((sum, one) => sum + one.cost, mapCost);
    return this.#made(mapOf(keyType, valueType), run, cost, keys.length);
  }

  #struct(name: string, entries: readonly StructEntry[], at: number): Compiled {
    const type = this.#scope.struct?.(name);
    if (!type) return this.#issue(at, `undeclared reference to '${name}' (in container '')`);
    const parts = entries.map((entry) => {
      const value = this.compile(entry.value);
      const field = type.kind === 'object' ? type.fields.get(entry.name) : { name: entry.name, type: dyn };
      if (!field) this.#issue(entry.at, `undefined field '${entry.name}'`);
      else {
        const wanted = entry.optional ? optionalOf(field.type) : field.type;
        if (!assignable(wanted, value.type, new Map()))
          this.#issue(
            entry.at,
            `expected type of field '${entry.name}' is '${typeText(field.type)}' but provided type is '${typeText(value.type)}'`,
          );
      }
      return { member: field?.name ?? entry.name, run: value.run, optional: entry.optional, cost: value.cost };
    });
    const run: Run = (frame) => {
      frame.spend(structCost);
      const out: Record<string, unknown> = {};
      for (const part of parts) {
        const value = part.run(frame);
        if (!part.optional) out[part.member] = value;
        else if (value instanceof Optional && value.has) out[part.member] = value.value;
      }
      return out;
    };
    return this.#made(
      type,
      run,
      parts.reduce((sum, part) => sum + part.cost, structCost),
    );
  }

  #local(name: string, type: CelType, size: number): number {
    const slot = this.slots++;
    this.#locals.push({ name, type, slot, size });
    return slot;
  }

  #optMap(expr: Extract<Expr, { kind: 'optMap' }>): Compiled {
    const operand = this.compile(expr.operand);
    const inner =
      operand.type.kind === 'opaque' && operand.type.name === 'optional_type' ? operand.type.params[0]! : dyn;
    const slot = this.#local(expr.variable, inner, operand.size);
    const body = this.compile(expr.body);
    this.#locals.pop();
    return this.#made(
      expr.flat ? body.type : optionalOf(body.type),
      (frame) => {
        const value = operand.run(frame);
        if (!(value instanceof Optional)) throw noOverload('optMap', value);
        if (!value.has) return value;
        frame.slots[slot] = value.value;
        const out = body.run(frame);
        return expr.flat ? out : Optional.of(out);
      },
      operand.cost + body.cost + 1,
      body.size,
    );
  }

  #loop(expr: LoopExpr): Compiled {
    const range = this.compile(expr.range);
    const rangeType = range.type;
    const isMap = rangeType.kind === 'map';
    if (!['list', 'map', 'dyn', 'param'].includes(rangeType.kind))
      return this.#issue(
        expr.range.at,
        `expression of type '${typeText(rangeType)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
      );
    const item: CelType = rangeType.kind === 'list' ? rangeType.item : isMap ? rangeType.value : dyn;
    const key: CelType = rangeType.kind === 'list' ? int : isMap ? rangeType.key : dyn;
    const two = expr.second !== undefined;
    const first = this.#local(expr.variable, two || isMap ? key : item, this.#sizeOf(two || isMap ? key : item));
    const second = two ? this.#local(expr.second!, item, this.#sizeOf(item)) : undefined;
    const condition = expr.condition && this.compile(expr.condition);
    const body = expr.body && this.compile(expr.body);
    this.#locals.length -= two ? 2 : 1;
    if (condition && condition.type.kind !== 'bool' && condition.type.kind !== 'dyn' && condition.type.kind !== 'param')
      return this.#issue(expr.condition!.at, `expected type 'bool' but found '${typeText(condition.type)}'`);
    const made = expr.operation === 'map' || expr.operation.startsWith('transform');
    const rounds = Math.max(0, range.size);
    const each =
      roundCost + (condition?.cost ?? 0) + (body?.cost ?? 0) + (made || expr.operation === 'filter' ? listCost : 0);
    const cost = range.cost + rounds * each + 1;
    const adapt = rangeType.kind === 'dyn' ? adapterOf(dyn) : undefined;
    const run = loopRun(expr, range.run, { first, second, condition: condition?.run, body: body?.run, adapt });
    return {
      type: loopType(expr, key, item, isMap, body?.type),
      run,
      cost,
      size: made || expr.operation === 'filter' ? range.size : 1,
    };
  }
}
