/**
 * One pod, one look at the nodes: filter until enough fit, score those, take the best.
 *
 * Large clusters are sampled: a cycle stops when it has found enough nodes, and the next one starts where this one
 * stopped, so that every node has its turn.
 */
import type { Random } from '../base/random.ts';
import type { SchedulerCache } from './cache/cache.ts';
import type { NodeInfo } from './cache/node-info.ts';
import type { PodInfo } from './cache/pod-info.ts';
import type { CycleState } from './framework/cycle-state.ts';
import { type Diagnosis, FitError, addPluginStatus, newDiagnosis, noNodesMessage } from './framework/fit-error.ts';
import type { Framework } from './framework/framework.ts';
import { Status, isRejected } from './framework/status.ts';

/** Under so many nodes all are looked at, and never fewer than this (upstream's minFeasibleNodesToFind). */
const minFeasibleNodes = 100;
const minPercentage = 5;

/** How many fitting nodes are enough. `percentage` 0: adapts to the size of the cluster. */
export function feasibleNodesToFind(nodeCount: number, percentage: number): number {
  if (nodeCount < minFeasibleNodes) return nodeCount;
  const adaptive = percentage === 0 ? Math.max(minPercentage, 50 - Math.floor(nodeCount / 125)) : percentage;
  return Math.max(minFeasibleNodes, Math.floor((nodeCount * adaptive) / 100));
}

/** No node is registered. */
export class NoNodesError extends Error {
  constructor() {
    super(noNodesMessage);
    this.name = 'NoNodesError';
  }
}

export interface CycleOptions {
  readonly cache: SchedulerCache;
  readonly framework: Framework;
  readonly random: Random;
  /** 0..100; 0: adaptive. */
  readonly percentageOfNodesToScore: number;
}

export interface CycleResult {
  readonly nodeName: string;
  readonly evaluatedNodes: number;
  readonly feasibleNodes: number;
}

export class Cycle {
  readonly #cache: SchedulerCache;
  readonly #framework: Framework;
  readonly #random: Random;
  readonly #percentage: number;
  #nextStart = 0;

  constructor(options: CycleOptions) {
    this.#cache = options.cache;
    this.#framework = options.framework;
    this.#random = options.random;
    this.#percentage = options.percentageOfNodesToScore;
  }

  /** The node for the pod. Throws FitError or NoNodesError when there is none; runs PostFilter before the former. */
  run(state: CycleState, pod: PodInfo): CycleResult {
    const all = this.#cache.nodeInfos();
    if (all.length === 0) throw new NoNodesError();
    const diagnosis = newDiagnosis();
    const feasible = this.#findFeasible(state, pod, all, diagnosis);
    if (feasible.length === 0) {
      const { status, nominatedNodeName } = this.#framework.runPostFilter(state, pod, diagnosis.nodeToStatus);
      diagnosis.postFilterMessage = status?.message ?? '';
      throw new FitError(all.length, diagnosis, nominatedNodeName);
    }
    const evaluatedNodes = feasible.length + diagnosis.nodeToStatus.size;
    const best = feasible.length === 1 ? feasible[0]! : this.#framework.pickBest(state, pod, feasible, this.#random);
    return { nodeName: best.name, evaluatedNodes, feasibleNodes: feasible.length };
  }

  #findFeasible(state: CycleState, pod: PodInfo, all: readonly NodeInfo[], diagnosis: Diagnosis): readonly NodeInfo[] {
    const preFilter = this.#framework.runPreFilter(state, pod);
    if (preFilter.status !== undefined) {
      if (!isRejected(preFilter.status)) throw preFilter.status.error ?? new Error(preFilter.status.message);
      diagnosis.nodeToStatus.absent = preFilter.status;
      diagnosis.preFilterMessage = preFilter.status.message;
      addPluginStatus(diagnosis, preFilter.status);
      return [];
    }
    for (const name of preFilter.narrowedBy) diagnosis.unschedulablePlugins.add(name);

    const nominated = pod.pod.status?.nominatedNodeName;
    if (nominated) {
      const node = this.#cache.nodeInfo(nominated);
      if (node !== undefined && this.#framework.runFilterWithNominated(state, pod, node) === undefined) return [node];
    }

    let nodes = all;
    if (preFilter.nodeNames !== undefined) {
      nodes = [...preFilter.nodeNames].flatMap((name) => this.#cache.nodeInfo(name) ?? []);
      const text = `node(s) didn't satisfy plugin(s) [${[...preFilter.narrowedBy].sort().join(' ')}]`;
      diagnosis.nodeToStatus.absent = new Status('UnschedulableAndUnresolvable', text);
    }
    return this.#filter(state, pod, nodes, all.length, diagnosis);
  }

  #filter(
    state: CycleState,
    pod: PodInfo,
    nodes: readonly NodeInfo[],
    nodeCount: number,
    diagnosis: Diagnosis,
  ): readonly NodeInfo[] {
    const enough = feasibleNodesToFind(nodes.length, this.#percentage);
    const feasible: NodeInfo[] = [];
    let looked = 0;
    while (looked < nodes.length && feasible.length < enough) {
      const node = nodes[(this.#nextStart + looked) % nodes.length]!;
      looked++;
      const status = this.#framework.runFilterWithNominated(state, pod, node);
      if (status === undefined) {
        feasible.push(node);
      } else if (isRejected(status)) {
        diagnosis.nodeToStatus.set(node.name, status);
        addPluginStatus(diagnosis, status);
      } else {
        throw new Error(`running Filter plugin ${status.plugin}: ${status.message}`, { cause: status.error });
      }
    }
    this.#nextStart = (this.#nextStart + looked) % nodeCount;
    return feasible;
  }
}
