import { randomInt } from '../../../base/random.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import type { CycleState } from '../../framework/cycle-state.ts';
import { fitMessage, newDiagnosis } from '../../framework/fit-error.ts';
import { NodeToStatus } from '../../framework/node-to-status.ts';
import type { Plugin, PluginHandle, PluginRegistration, PostFilterResult } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';
import { type Candidate, type DisruptionBudget, findVictims, pickCandidate } from './victims.ts';

const notHelpful = new Status('UnschedulableAndUnresolvable', 'Preemption is not helpful for scheduling');

/** Past so many it is looked through for preemptions that are over. */
const maxRunning = 1000;

/** `DefaultPreemptionArgs` of KubeSchedulerConfiguration v1: how many candidates are enough to choose from. */
export interface DefaultPreemptionArgs {
  readonly minCandidateNodesPercentage?: number;
  readonly minCandidateNodesAbsolute?: number;
}

/** Makes room for a pod by ending less important ones, on the node where that hurts least. */
export const defaultPreemption: PluginRegistration = {
  name: 'DefaultPreemption',
  create: (handle, args): Plugin => new DefaultPreemption(handle, args as DefaultPreemptionArgs | undefined),
};

class DefaultPreemption implements Plugin {
  readonly name = 'DefaultPreemption';
  readonly #handle: PluginHandle;
  readonly #budgets: ReturnType<PluginHandle['lister']>;
  readonly #percentage: number;
  readonly #absolute: number;
  /** Pods for which room is being made, with the victims that have not been seen to go yet. */
  readonly #running = new Map<
    string,
    { readonly nodeName: string; readonly victims: readonly PodInfo[]; sent: boolean }
  >();

  constructor(handle: PluginHandle, args: DefaultPreemptionArgs = {}) {
    this.#handle = handle;
    this.#budgets = handle.lister({ group: 'policy', version: 'v1', resource: 'poddisruptionbudgets' });
    this.#percentage = args.minCandidateNodesPercentage ?? 10;
    this.#absolute = args.minCandidateNodesAbsolute ?? 100;
  }

  postFilter(state: CycleState, pod: PodInfo, nodeToStatus: NodeToStatus): PostFilterResult {
    const unfit = this.#whyNot(pod, nodeToStatus);
    if (unfit !== undefined) return { status: new Status('Unschedulable', `preemption: ${unfit}`) };
    const { candidates, statuses } = this.#findCandidates(state, pod, nodeToStatus);
    const best = pickCandidate(candidates, this.#handle.now());
    if (best === undefined) {
      const message = fitMessage(this.#handle.nodeCount(), newDiagnosis(statuses));
      return { status: new Status('Unschedulable', `preemption: ${message}`), nominatedNodeName: '' };
    }
    this.#preempt(pod, best);
    return { nominatedNodeName: best.nodeName };
  }

  /** Pods on their way out are waited for, not answered with more. */
  #whyNot(pod: PodInfo, nodeToStatus: NodeToStatus): string | undefined {
    if (pod.pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
    if (this.#isRunning(pod.uid)) return 'waiting for the preemption for this pod to be finished';
    const nominated = pod.pod.status?.nominatedNodeName;
    if (!nominated || nodeToStatus.get(nominated).code === 'UnschedulableAndUnresolvable') return undefined;
    for (const other of this.#handle.nodeInfo(nominated)?.pods.values() ?? [])
      if (other.priority < pod.priority && isEndingForAnother(other))
        return 'not eligible due to a terminating pod on the nominated node.';
    return undefined;
  }

  #findCandidates(
    state: CycleState,
    pod: PodInfo,
    nodeToStatus: NodeToStatus,
  ): { readonly candidates: readonly Candidate[]; readonly statuses: NodeToStatus } {
    const statuses = new NodeToStatus();
    statuses.absent = notHelpful;
    const nodes = this.#handle.nodeInfos().filter((n) => nodeToStatus.get(n.name).code === 'Unschedulable');
    if (nodes.length === 0) return { candidates: [], statuses };
    const wanted = Math.max(Math.floor((nodes.length * this.#percentage) / 100), this.#absolute);
    const budgets = this.#budgets.list() as unknown as readonly DisruptionBudget[];
    const offset = randomInt(this.#handle.random, nodes.length);
    const candidates: Candidate[] = [];
    let harmless = 0;
    for (let i = 0; i < nodes.length && !(harmless > 0 && candidates.length >= wanted); i++) {
      const node = nodes[(offset + i) % nodes.length]!;
      const found = findVictims(this.#handle, state, pod, node, budgets);
      if (found instanceof Status) {
        statuses.set(node.name, found);
        continue;
      }
      candidates.push(found);
      if (found.violations === 0) harmless++;
    }
    return { candidates, statuses };
  }

  /** Ends the victims, the last one when the others are on their way; pods that the node was promised to lose it. */
  #preempt(pod: PodInfo, { nodeName, victims }: Candidate): void {
    const handle = this.#handle;
    const run = { nodeName, victims, sent: false };
    const waiting = victims.filter((v) => v.pod.metadata.deletionTimestamp === undefined);
    if (waiting.length === 0) return;
    // Of preemptors that were deleted meanwhile nobody tells.
    if (this.#running.size >= maxRunning) for (const uid of [...this.#running.keys()]) this.#isRunning(uid);
    this.#running.set(pod.uid, run);
    const outranked = [...handle.nominatedOn(nodeName)].filter((p) => p.priority < pod.priority);
    handle.spawn(async () => {
      try {
        await Promise.all(outranked.map((p) => handle.withdrawNomination(p)));
        await Promise.all(waiting.slice(0, -1).map((v) => handle.evict(v, pod, nodeName)));
        await handle.evict(waiting.at(-1)!, pod, nodeName);
        run.sent = true;
      } catch (error) {
        if (this.#running.get(pod.uid) === run) this.#running.delete(pod.uid);
        handle.activate(pod.uid);
        throw error;
      }
    });
  }

  #isRunning(uid: string): boolean {
    const run = this.#running.get(uid);
    if (run === undefined) return false;
    if (!run.sent) return true;
    const there = this.#handle.nodeInfo(run.nodeName)?.pods;
    // The deletions are under way; until the watch has said so, the victims look as if nobody had asked them to go.
    if (run.victims.some((v) => there?.get(v.uid)?.pod.metadata.deletionTimestamp === undefined && there?.has(v.uid)))
      return true;
    this.#running.delete(uid);
    return false;
  }

  postBind(_state: CycleState, pod: PodInfo): void {
    this.#running.delete(pod.uid);
  }

  eventsToRegister(): [] {
    return [];
  }
}

function isEndingForAnother({ pod }: PodInfo): boolean {
  if (pod.metadata.deletionTimestamp === undefined) return false;
  const condition = pod.status?.conditions?.find((c) => c.type === 'DisruptionTarget');
  return condition?.status === 'True' && condition.reason === 'PreemptionByScheduler';
}
