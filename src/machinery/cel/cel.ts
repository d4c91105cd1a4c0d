/**
 * CEL, as Kubernetes uses it (cel.dev; apiserver cel/environment):
 *
 *   const env = celEnvironment({ variables: { self: schemaType } });
 *   const program = env.compile('self.replicas > 1');          // throws CelIssues
 *   program.evaluate({ self }).value                           // throws CelError, CelCostExceeded
 */
import type { CompileScope, Compiled } from './compile.ts';
import { compileExpr } from './compile.ts';
import { Frame } from './frame.ts';
import { authorizerFunctions } from './functions/authorizer.ts';
import { kubernetesFunctions } from './functions/kubernetes.ts';
import { operators } from './functions/operators.ts';
import { standardFunctions } from './functions/standard.ts';
import { stringFunctions } from './functions/strings.ts';
import { adapterOf, durationText, timestampText } from './adapt.ts';
import type { CelFunction } from './library.ts';
import { parse } from './parse.ts';
import {
  bool,
  bytes,
  type CelType,
  double,
  duration,
  dyn,
  int,
  listOf,
  mapOf,
  nullType,
  opaque,
  string,
  timestamp,
  typeOf,
  uint,
} from './types.ts';
import { CelMap, Duration, entriesOf, isMapLike, Optional, Timestamp, Uint } from './values.ts';

export { CelIssues } from './ast.ts';
export { CelCostExceeded, CelError } from './values.ts';

export interface CelEnvironmentOptions {
  readonly variables: Readonly<Record<string, CelType>>;
  /** Besides those that Kubernetes has. */
  readonly functions?: readonly CelFunction[];
  /** Messages that expressions may make. */
  readonly struct?: (name: string) => CelType | undefined;
  /** Lists and maps hold values of one type. Default true. */
  readonly homogeneous?: boolean;
  /** For the estimate: the size of what no schema bounds. Default: what fits into a request. */
  readonly unboundedSize?: number;
}

export interface CelProgram {
  readonly source: string;
  readonly type: CelType;
  /** The largest cost of one evaluation; Infinity is possible. */
  readonly maxCost: number;
  /** Names of variables that the expression reads. */
  readonly reads: ReadonlySet<string>;
  /**
   * `variables`: JSON or CEL values. Throws CelError when it fails and CelCostExceeded when it would cost more than
   * `costLimit`.
   */
  evaluate(
    variables: Readonly<Record<string, unknown>>,
    costLimit?: number,
  ): { readonly value: unknown; readonly cost: number };
}

export interface CelEnvironment {
  /** Throws CelIssues. */
  compile(source: string): CelProgram;
  /** The same environment with more variables. */
  extend(variables: Readonly<Record<string, CelType>>): CelEnvironment;
}

/** Upstream takes 3 MiB for the largest request. */
const defaultUnboundedSize = 3 * 1024 * 1024;

const allFunctions: readonly CelFunction[] = [
  ...operators,
  ...standardFunctions,
  ...stringFunctions,
  ...kubernetesFunctions,
  ...authorizerFunctions,
];

const typeNames: ReadonlyMap<string, CelType> = new Map<string, CelType>([
  ['bool', bool],
  ['int', int],
  ['uint', uint],
  ['double', double],
  ['string', string],
  ['bytes', bytes],
  ['null_type', nullType],
  ['list', listOf(dyn)],
  ['map', mapOf(dyn, dyn)],
  ['type', typeOf(dyn)],
  ['optional_type', opaque('optional_type', dyn)],
  ['google.protobuf.Timestamp', timestamp],
  ['google.protobuf.Duration', duration],
  ['net.IP', opaque('net.IP')],
  ['net.CIDR', opaque('net.CIDR')],
  ['kubernetes.URL', opaque('kubernetes.URL')],
  ['kubernetes.Quantity', opaque('kubernetes.Quantity')],
  ['kubernetes.Semver', opaque('kubernetes.Semver')],
]);

function byName(functions: readonly CelFunction[]): ReadonlyMap<string, readonly CelFunction[]> {
  const out = new Map<string, CelFunction[]>();
  for (const one of functions) {
    const known = out.get(one.name);
    if (known) known.push(one);
    else out.set(one.name, [one]);
  }
  return out;
}

const commonFunctions = byName(allFunctions);

export function celEnvironment(options: CelEnvironmentOptions): CelEnvironment {
  const variables = new Map(Object.entries(options.variables));
  const scope: CompileScope = {
    variables,
    functions: options.functions ? byName([...allFunctions, ...options.functions]) : commonFunctions,
    types: typeNames,
    struct: options.struct,
    homogeneous: options.homogeneous ?? true,
    unboundedSize: options.unboundedSize ?? defaultUnboundedSize,
  };
  return {
    compile(source) {
      const expr = parse(source);
      const compiled = compileExpr(source, expr, scope);
      return programOf(source, compiled, variables);
    },
    extend: (more) => celEnvironment({ ...options, variables: { ...options.variables, ...more } }),
  };
}

function programOf(
  source: string,
  compiled: Compiled & { readonly slots: number; readonly reads: ReadonlySet<string> },
  variables: ReadonlyMap<string, CelType>,
): CelProgram {
  const names = [...variables.keys()];
  const adapters = [...variables.values()].map(adapterOf);
  return {
    source,
    type: compiled.type,
    maxCost: compiled.cost,
    reads: compiled.reads,
    evaluate(values, costLimit = Infinity) {
      const slots: unknown[] = new Array(compiled.slots);
      for (let i = 0; i < names.length; i++) {
        const value = values[names[i]!];
        const adapt = adapters[i];
        slots[i] = adapt && value !== undefined ? adapt(value) : value;
      }
      const frame = new Frame(slots, costLimit);
      const value = compiled.run(frame);
      return { value, cost: frame.cost };
    },
  };
}

/** A value as JSON would hold it. */
export function toJson(value: unknown): unknown {
  if (typeof value === 'bigint')
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  if (value instanceof Uint) return toJson(value.value);
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return durationText(value);
  if (value instanceof Optional) return value.has ? toJson(value.value) : null;
  if (value instanceof Uint8Array) return btoa(String.fromCharCode(...value));
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof CelMap || isMapLike(value))
    return Object.fromEntries(Array.from(entriesOf(value), ([key, one]) => [String(key), toJson(one)]));
  return value;
}
