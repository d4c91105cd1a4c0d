/**
 * Priority and fairness: every short request, and every watch until it has begun, belongs to a FlowSchema and takes seats
 * of its priority level. FlowSchemas and PriorityLevelConfigurations are followed in the watch cache.
 */
import type {
  FlowSchema,
  PriorityLevelConfiguration,
} from '../../apis/generated/types/flowcontrol.apiserver.k8s.io/v1.ts';
import type { Clock } from '../../base/clock.ts';
import { flowControlGroup, flowSchemas, priorityLevels } from '../bootstrap/flow-control.ts';
import type { Lookup } from '../registry/registry.ts';
import { PriorityLevel, type Queuing, type RefusalReason, type Seat } from './level.ts';
import { type Digest, distinguisherOf, schemaMatches, sortSchemas } from './match.ts';
import type { FlowControlMetrics } from './metrics.ts';
import { flowHash } from './shuffle.ts';

export interface FlowControlOptions {
  /** --max-requests-inflight and --max-mutating-requests-inflight together. */
  readonly serverConcurrency: number;
  /** How long a request waits in a queue at most; upstream: a quarter of the request's time. */
  readonly maxWaitMs: number;
}

export interface FlowControlDependencies {
  readonly clock: Clock;
  readonly metrics: FlowControlMetrics;
}

/** How a request was classified. */
export interface Flow {
  readonly schema: FlowSchema;
  readonly level: PriorityLevelConfiguration;
  readonly schemaUid: string;
  readonly levelUid: string;
}

export type Admission = { readonly seat: Seat } | { readonly refused: RefusalReason };

interface Config {
  readonly schemas: readonly { readonly schema: FlowSchema; readonly flow: Flow }[];
  readonly fallback: Flow;
}

const exemptSeat: Seat = { leave() {} };

export class FlowControl {
  readonly #options: FlowControlOptions;
  readonly #deps: FlowControlDependencies;
  readonly #levels = new Map<string, PriorityLevel>();
  readonly #unsubscribe: (() => void)[] = [];
  #lookup: Lookup | undefined;
  #config: Config | undefined;

  constructor(options: FlowControlOptions, deps: FlowControlDependencies) {
    this.#options = options;
    this.#deps = deps;
    deps.metrics.collect(() => this.levels());
  }

  /** Called once the caches can be read; the built-in objects count before. */
  start(lookup: Lookup): void {
    this.#lookup = lookup;
    this.#config = undefined;
    const changed = () => {
      this.#config = undefined;
    };
    for (const resource of ['flowschemas', 'prioritylevelconfigurations'])
      this.#unsubscribe.push(lookup.subscribe(flowControlGroup, resource, changed));
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
  }

  levels(): readonly PriorityLevel[] {
    this.#current();
    return [...this.#levels.values()];
  }

  classify(digest: Digest): Flow {
    const { schemas, fallback } = this.#current();
    for (const { schema, flow } of schemas) if (schemaMatches(schema, digest)) return flow;
    return fallback;
  }

  /** A seat, or why there is none; at once wherever the request need not wait. */
  enter(flow: Flow, digest: Digest, seats: number, signal: AbortSignal | undefined): Admission | Promise<Admission> {
    const { metrics, clock } = this.#deps;
    const schema = flow.schema.metadata.name!;
    const name = flow.level.metadata.name!;
    if (flow.level.spec?.type === 'Exempt') {
      metrics.dispatched(name, schema);
      return { seat: exemptSeat };
    }
    const distinguisher = distinguisherOf(flow.schema, digest);
    const startedMs = clock.monotonicMs();
    const outcome = this.#levels.get(name)!.enter(
      {
        schema,
        distinguisher,
        hash: flowHash(schema, distinguisher),
        seats,
        what: `${digest.user.username} ${digest.info.verb} ${digest.info.path}`,
      },
      this.#options.maxWaitMs,
      signal,
    );
    const settled = (result: Seat | RefusalReason): Admission => {
      const refused = typeof result === 'string' ? result : undefined;
      metrics.waited(name, schema, refused === undefined, clock.monotonicMs() - startedMs);
      if (refused !== undefined) {
        metrics.rejected(name, schema, refused);
        return { refused };
      }
      metrics.dispatched(name, schema);
      return { seat: result as Seat };
    };
    return outcome instanceof Promise ? outcome.then(settled) : settled(outcome);
  }

  #current(): Config {
    this.#config ??= this.#configure();
    return this.#config;
  }

  #configure(): Config {
    const listed = <T>(resource: string): readonly T[] =>
      (this.#lookup?.list(flowControlGroup, resource) ?? []) as unknown as readonly T[];
    const levels = new Map<string, PriorityLevelConfiguration>();
    // Without the mandatory ones nothing could be served: they count though somebody has deleted them.
    const mandatory = new Set(['exempt', 'catch-all']);
    const stored = listed<PriorityLevelConfiguration>('prioritylevelconfigurations');
    for (const level of priorityLevels() as PriorityLevelConfiguration[])
      if (stored.length === 0 || mandatory.has(level.metadata.name!)) levels.set(level.metadata.name!, level);
    for (const level of stored) levels.set(level.metadata.name!, level);
    this.#applyLimits([...levels.values()]);

    const schemas = new Map<string, FlowSchema>();
    const storedSchemas = listed<FlowSchema>('flowschemas');
    for (const schema of flowSchemas() as FlowSchema[])
      if (storedSchemas.length === 0 || mandatory.has(schema.metadata.name!))
        schemas.set(schema.metadata.name!, schema);
    for (const schema of storedSchemas) schemas.set(schema.metadata.name!, schema);
    const usable = sortSchemas([...schemas.values()]).flatMap((schema) => {
      const level = levels.get(schema.spec?.priorityLevelConfiguration.name ?? '');
      return level === undefined ? [] : [{ schema, flow: flowOf(schema, level) }];
    });
    const fallback = flowOf(schemas.get('catch-all')!, levels.get('catch-all')!);
    return { schemas: usable, fallback };
  }

  /** Shares of the whole become seats, as upstream's: rounded up. Levels that are gone serve out those that wait. */
  #applyLimits(configurations: readonly PriorityLevelConfiguration[]): void {
    const limited = configurations.filter((c) => c.spec?.type === 'Limited');
    const sharesOf = (c: PriorityLevelConfiguration) => c.spec?.limited?.nominalConcurrencyShares ?? 30;
    const total = limited.reduce((sum, c) => sum + sharesOf(c), 0) || 1;
    const names = new Set<string>();
    for (const configuration of limited) {
      const name = configuration.metadata.name!;
      names.add(name);
      const limit = Math.ceil((this.#options.serverConcurrency * sharesOf(configuration)) / total);
      const queuing = queuingOf(configuration);
      const level = this.#levels.get(name);
      if (level === undefined) this.#levels.set(name, new PriorityLevel(name, this.#deps.clock, limit, queuing));
      else level.configure(limit, queuing);
    }
    for (const name of this.#levels.keys()) if (!names.has(name)) this.#levels.delete(name);
  }
}

function queuingOf({ spec }: PriorityLevelConfiguration): Queuing | undefined {
  const response = spec?.limited?.limitResponse;
  if (response?.type !== 'Queue') return undefined;
  const { queues = 64, handSize = 8, queueLengthLimit = 50 } = response.queuing ?? {};
  return { queues, handSize, queueLengthLimit };
}

const flowOf = (schema: FlowSchema, level: PriorityLevelConfiguration): Flow => ({
  schema,
  level,
  schemaUid: schema.metadata.uid ?? '',
  levelUid: level.metadata.uid ?? '',
});
