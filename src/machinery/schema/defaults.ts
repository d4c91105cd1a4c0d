/**
 * Defaulting of typed objects: the table's unconditional defaults and the hooks of the kinds, both applied wherever a
 * type occurs. So a PodSpec is defaulted by one function in a Pod, a Deployment, a Job and a PodTemplate.
 *
 * Order, in every struct: its hook, then its table defaults, then its members. A hook therefore sees its own defaults not
 * yet filled in (what the client gave), and may set members that are then defaulted themselves.
 */
import type { Field, StructType, TypeTable, ValueType } from './table.ts';

/**
 * Fills in what upstream's Go function for this type sets depending on other fields. The object is the struct itself
 * (a Container, a PodSpec). Idempotent.
 */
export type TypeDefaulter<T = unknown> = (object: T) => void;

/** By type id: `core/v1/Container`. Values are functions of that type's interface. */
// biome-ignore lint/suspicious/noExplicitAny: each hook takes the interface of its own type
export type TypeDefaulters = Readonly<Record<string, TypeDefaulter<any>>>;

/** Applies the defaults of a table and of hooks. One per table; knows which types have anything to default below them. */
export class Defaulter {
  readonly #hooks: TypeDefaulters;
  readonly #plans = new Map<StructType, Plan>();

  /** Throws when a hook is for a type that does not exist. */
  constructor(table: TypeTable, hooks: TypeDefaulters) {
    this.#hooks = hooks;
    for (const id of Object.keys(hooks)) table.get(id);
  }

  apply(type: StructType, object: object): void {
    const plan = this.#planOf(type);
    if (plan) this.#run(plan, object as Record<string, unknown>);
  }

  #run(plan: Plan, object: Record<string, unknown>): void {
    plan.hook?.(object);
    for (const { name, value, zeroToo } of plan.defaults) {
      const present = object[name];
      if (present === undefined || (zeroToo && (present === '' || present === 0 || present === false)))
        object[name] = typeof value === 'object' ? copy(value) : value;
    }
    for (const { name, type } of plan.members) {
      const member = object[name];
      if (member !== undefined) this.#descend(type, member);
    }
  }

  #descend(type: ValueType, value: unknown): void {
    if (value === null || value === undefined) return;
    if (type.kind === 'struct') {
      const plan = this.#planOf(type.struct);
      if (plan) this.#run(plan, value as Record<string, unknown>);
    } else if (type.kind === 'list') {
      for (const item of value as unknown[]) this.#descend(type.items, item);
    } else if (type.kind === 'map') {
      for (const key in value) this.#descend(type.values, (value as Record<string, unknown>)[key]);
    }
  }

  /** Undefined: nothing to default in this type or below. */
  #planOf(type: StructType): Plan | undefined {
    const known = this.#plans.get(type);
    if (known) return known.idle ? undefined : known;
    const plan: Plan = { hook: this.#hooks[type.id], defaults: [], members: [], idle: false };
    this.#plans.set(type, plan); // before its members: types refer to themselves
    for (const field of type.fields) {
      if (field.default !== undefined)
        plan.defaults.push({ name: field.name, value: field.default, zeroToo: !field.pointer });
      const struct = structOf(field);
      if (struct && (struct === type || this.#planOf(struct)))
        plan.members.push({ name: field.name, type: field.value });
    }
    plan.idle = !plan.hook && plan.defaults.length === 0 && plan.members.length === 0;
    return plan.idle ? undefined : plan;
  }
}

/** Of a default: small JSON, where structuredClone would cost more than the rest of the walk. */
function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copy(member)]));
}

interface Plan {
  readonly hook: TypeDefaulter | undefined;
  readonly defaults: { readonly name: string; readonly value: unknown; readonly zeroToo: boolean }[];
  readonly members: { readonly name: string; readonly type: ValueType }[];
  idle: boolean;
}

function structOf(field: Field): StructType | undefined {
  let type = field.value;
  for (;;) {
    if (type.kind === 'struct') return type.struct;
    if (type.kind === 'list') type = type.items;
    else if (type.kind === 'map') type = type.values;
    else return undefined;
  }
}
