/**
 * The scheduler: watches pods and nodes, takes one waiting pod at a time, finds it a node and binds it.
 *
 * The decision is made in one task; binding runs beside the next decisions, on the strength of the assumption that it
 * will succeed. Where it does not, the assumption is taken back and the pod waits again.
 */
import { type Clock, yieldTask } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { Lifetime } from '../base/lifetime.ts';
import type { Random } from '../base/random.ts';
import type { Client, ResourceClient } from '../client/client.ts';
import type { EventRecorder } from '../client/events.ts';
import { InformerFactory } from '../client/informers.ts';
import type { Informer } from '../client/informer.ts';
import type { GroupVersionResource, KubeObject } from '../machinery/meta/object.ts';
import { isConflict, isNotFound } from '../machinery/status/is.ts';
import { SchedulerCache } from './cache/cache.ts';
import { type PodInfo, isTerminal, withNodeName } from './cache/pod-info.ts';
import { ClusterEvents, assignedPodDeleted } from './cluster-events.ts';
import { Cycle, type CycleResult, NoNodesError } from './cycle.ts';
import type { Explanation } from './explain/explanation.ts';
import { judgeNodes } from './explain/judge-nodes.ts';
import { wakingEvents } from './explain/waking-events.ts';
import { CycleState } from './framework/cycle-state.ts';
import type { FollowedKind } from './framework/events.ts';
import { FitError } from './framework/fit-error.ts';
import { Framework } from './framework/framework.ts';
import { NodeToStatus } from './framework/node-to-status.ts';
import type { Node, Pod } from './framework/objects.ts';
import type { ClusterHandle, PluginRegistration } from './framework/plugin.ts';
import { type Status, isRejected } from './framework/status.ts';
import { WaitingPods } from './framework/waiting-pods.ts';
import { followedKinds, followKind, kindsOf } from './followed-kinds.ts';
import { type NotScheduledReason, disruptionTargetPatch, notScheduledPatch } from './pod-condition.ts';
import { defaultPlugins } from './plugins/index.ts';
import { RequestLimit } from './request-limit.ts';
import { defaultSchedulerName, type SchedulerConfiguration } from './config/configuration.ts';
import { defaultConfiguration } from './config/load.ts';
import { Nominator } from './queue/nominator.ts';
import type { QueuedPodInfo, QueueState } from './queue/queued-pod-info.ts';
import { SchedulingQueue } from './queue/scheduling-queue.ts';
import { timeText } from '../machinery/meta/time.ts';

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

export interface SchedulerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  /** Of component `default-scheduler`. */
  readonly recorder: EventRecorder;
  /** Shared with other components; absent: the scheduler makes its own, and starts and stops it. */
  readonly informers?: InformerFactory;
  /** Of the other profiles, by scheduler name; absent: `recorder` speaks for all. */
  readonly recorderOf?: (schedulerName: string) => EventRecorder;
  /** The plugins that profiles may enable. */
  readonly plugins?: readonly PluginRegistration[];
  /** Absent: one profile, `default-scheduler`, of all `plugins`. */
  readonly configuration?: Pick<
    SchedulerConfiguration,
    'profiles' | 'percentageOfNodesToScore' | 'podInitialBackoffMs' | 'podMaxBackoffMs'
  >;
  /** Failures that are tried again, and broken plugins: for logs. */
  readonly onError?: (error: unknown) => void;
  /** For metrics: every attempt and how long its decision took. */
  readonly onAttempt?: (result: AttemptResult, durationMs: number) => void;
}

export interface Scheduler {
  /** Begins to follow the cluster. Resolves when the first full state is known; pods are placed from then on. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What there is to say about a pod; undefined when there is none of that name. Has no effect on its fate. */
  explain(namespace: string, name: string): Explanation | undefined;
  /** For metrics and tests. */
  readonly queueCounts: Readonly<Record<QueueState, number>>;
}

/** A decision run without a break is shorter than this; then sockets and timers have their turn. */
const sliceMs = 5;
const sliceDecisions = 64;
/** Bindings and status patches under way at once: half of what the API server takes of all clients together. */
const maxRequests = 100;
/** Longest note of an Event (events.k8s.io validation). */
const maxNote = 1024;

export function createScheduler(options: SchedulerOptions): Scheduler {
  return new DefaultScheduler(options);
}

interface RunningProfile {
  readonly framework: Framework;
  readonly cycle: Cycle;
}

class DefaultScheduler implements Scheduler {
  readonly #options: SchedulerOptions;
  readonly #clock: Clock;
  readonly #cache = new SchedulerCache();
  readonly #nominator = new Nominator();
  readonly #queue: SchedulingQueue;
  /** By scheduler name. */
  readonly #profiles: ReadonlyMap<string, RunningProfile>;
  readonly #waiting: WaitingPods;
  readonly #informers: InformerFactory;
  readonly #podInformer: Informer<Pod & KubeObject>;
  readonly #nodeInformer: Informer<Node & KubeObject>;
  readonly #namespaceInformer: Informer<KubeObject>;
  /** All that the scheduler and its plugins read. */
  readonly #read = new Set<Pick<Informer<KubeObject>, 'whenSynced'>>();
  readonly #followed: readonly { readonly kind: FollowedKind; readonly informer: Informer<KubeObject> }[];
  readonly #pods: ResourceClient;
  readonly #clusterEvents: ClusterEvents;
  readonly #lifetime: Lifetime;
  readonly #requests = new RequestLimit(maxRequests);
  /** Reports of pods without a node that are under way, by UID. */
  readonly #reports = new Map<string, Promise<void>>();
  #wake: () => void = () => {};
  #started: Promise<void> | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#lifetime = new Lifetime((error) => options.onError?.(error));
    const pods = { group: '', version: 'v1', resource: 'pods' };
    this.#pods = options.client.resource(pods);
    this.#waiting = new WaitingPods(options.clock);
    this.#informers = options.informers ?? new InformerFactory(options);
    this.#podInformer = this.#informer(pods);
    this.#nodeInformer = this.#informer({ group: '', version: 'v1', resource: 'nodes' });
    this.#namespaceInformer = this.#informer({ group: '', version: 'v1', resource: 'namespaces' });
    const registry = options.plugins ?? defaultPlugins;
    const configuration = options.configuration ?? defaultConfiguration(registry);
    const handle: ClusterHandle = {
      bind: (namespace, name, uid, nodeName, signal) => this.#bindPod(namespace, name, uid, nodeName, signal),
      nodeCount: () => this.#cache.nodeCount,
      nodeInfo: (name) => this.#cache.nodeInfo(name),
      nodeInfos: () => this.#cache.nodeInfos(),
      counts: this.#cache.counts,
      random: options.random,
      lister: <T extends KubeObject>(resource: GroupVersionResource) => this.#informer<T>(resource),
      client: options.client,
      clock: options.clock,
      nominatedOn: (nodeName) => this.#nominator.onNode(nodeName),
      evict: (victim, preemptor, nodeName) => this.#evict(victim, preemptor, nodeName),
      activate: (uid) => this.#queue.activate(uid),
      withdrawNomination: (pod) => this.#withdrawNomination(pod),
      spawn: (task) => this.#lifetime.spawn(task),
      now: () => this.#clock.now(),
    };
    this.#profiles = new Map(
      configuration.profiles.map((profile) => {
        const framework = new Framework(registry, handle, profile);
        const cycle = new Cycle({
          cache: this.#cache,
          framework,
          random: options.random,
          percentageOfNodesToScore: profile.percentageOfNodesToScore ?? configuration.percentageOfNodesToScore,
        });
        return [profile.schedulerName, { framework, cycle }];
      }),
    );
    this.#followed = kindsOf([...this.#profiles.values()].flatMap(({ framework }) => framework.plugins)).map(
      (kind) => ({
        kind,
        informer: this.#informer(followedKinds[kind]),
      }),
    );
    this.#queue = new SchedulingQueue({
      clock: options.clock,
      plugins: new Map([...this.#profiles].map(([name, { framework }]) => [name, framework.plugins])),
      backoff: { initialMs: configuration.podInitialBackoffMs, maxMs: configuration.podMaxBackoffMs },
      onReady: () => this.#wake(),
    });
    this.#clusterEvents = new ClusterEvents({
      cache: this.#cache,
      queue: this.#queue,
      nominator: this.#nominator,
      schedulerNames: new Set(this.#profiles.keys()),
      onWaitingPodGone: (uid) => this.#waiting.reject(uid, '', 'pod deleted'),
    });
  }

  get queueCounts(): Readonly<Record<QueueState, number>> {
    return this.#queue.counts;
  }

  explain(namespace: string, name: string): Explanation | undefined {
    const pod = this.#podInformer.get(`${namespace}/${name}`) as Pod | undefined;
    if (pod === undefined) return undefined;
    const uid = pod.metadata.uid!;
    const about = { namespace, name, uid };
    const schedulerName = pod.spec.schedulerName ?? 'default-scheduler';
    const nodeName = pod.spec.nodeName ?? '';
    if (nodeName !== '') return { ...about, state: 'scheduled', schedulerName, nodeName };
    if (isTerminal(pod)) return { ...about, state: 'terminal', schedulerName, nodeName };
    const assumedOn = this.#cache.nodeOf(uid);
    if (assumedOn !== undefined) return { ...about, state: 'binding', schedulerName, nodeName: assumedOn };
    const entry = this.#queue.entryOf(uid);
    if (entry === undefined) return { ...about, state: 'notOurs', schedulerName, nodeName };
    const { framework } = this.#profileOf(pod);
    const retryAtMs = this.#queue.retryAtMs(uid);
    const nominatedNodeName = this.#nominator.nodeOf(uid);
    const gate = framework.plugins.find((plugin) => plugin.name === entry.gatingPlugin);
    return {
      ...about,
      state: entry.state,
      attempts: entry.attempts,
      lastMessage: entry.lastMessage,
      ...(retryAtMs === undefined ? {} : { retryAtMs }),
      ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }),
      ...(gate === undefined
        ? {}
        : { heldBy: { plugin: gate.name, reasons: gate.preEnqueue?.(entry.podInfo)?.reasons ?? [] } }),
      ...judgeNodes(framework, entry.podInfo, this.#cache.nodeInfos()),
      wakes: wakingEvents(framework.plugins, [...entry.unschedulablePlugins, ...entry.pendingPlugins]),
    };
  }

  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async stop(): Promise<void> {
    this.#queue.close();
    this.#waiting.rejectAll('the scheduler is stopping');
    const stopping = this.#lifetime.stop();
    this.#wake();
    await stopping;
    if (this.#options.informers === undefined) await this.#informers.stop();
  }

  async #start(): Promise<void> {
    const events = this.#clusterEvents;
    this.#lifetime.defer(
      this.#nodeInformer.addHandlers({
        onAdd: (node) => events.addNode(node as Node),
        onUpdate: (old, node) => events.updateNode(old as Node, node as Node),
        onDelete: (node) => events.deleteNode(node as Node),
      }),
    );
    const { counts } = this.#cache;
    this.#lifetime.defer(
      this.#namespaceInformer.addHandlers({
        onAdd: ({ metadata }) => counts.setNamespace(metadata.name!, metadata.labels ?? {}),
        onUpdate: (_old, { metadata }) => counts.setNamespace(metadata.name!, metadata.labels ?? {}),
        onDelete: ({ metadata }) => counts.setNamespace(metadata.name!, undefined),
      }),
    );
    this.#lifetime.defer(
      this.#podInformer.addHandlers({
        onAdd: (pod) => events.addPod(pod as Pod),
        onUpdate: (old, pod) => events.updatePod(old as Pod, pod as Pod),
        onDelete: (pod) => events.deletePod(pod as Pod),
      }),
    );
    for (const { kind, informer } of this.#followed)
      this.#lifetime.defer(followKind(kind, informer, (change) => this.#queue.moveAll(change)));
    if (this.#options.informers === undefined) this.#informers.start();
    const { signal } = this.#lifetime;
    for (const informer of this.#read) await informer.whenSynced(signal);
    this.#lifetime.spawn((s) => this.#run(s));
  }

  async #run(signal: AbortSignal): Promise<void> {
    let decisions = 0;
    let sliceStartMs = this.#clock.monotonicMs();
    while (!signal.aborted) {
      const entry = this.#queue.pop();
      if (entry === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        decisions = 0;
        sliceStartMs = this.#clock.monotonicMs();
        continue;
      }
      this.#scheduleOne(entry);
      if (++decisions >= sliceDecisions || this.#clock.monotonicMs() - sliceStartMs >= sliceMs) {
        await yieldTask(this.#clock);
        decisions = 0;
        sliceStartMs = this.#clock.monotonicMs();
      }
    }
  }

  /** Decides for one pod. Never throws, never waits. */
  #scheduleOne(entry: QueuedPodInfo): void {
    const { pod } = entry.podInfo;
    if (pod.metadata.deletionTimestamp) {
      const note = `skip schedule deleting pod: ${pod.metadata.namespace}/${pod.metadata.name}`;
      this.#record(pod, 'Warning', 'FailedScheduling', note);
      this.#queue.done(entry.podInfo.uid);
      return;
    }
    if (this.#cache.has(entry.podInfo.uid)) {
      this.#queue.done(entry.podInfo.uid);
      return;
    }
    const { framework, cycle } = this.#profileOf(pod);
    const startMs = this.#clock.monotonicMs();
    const state = new CycleState();
    let result: CycleResult;
    try {
      result = cycle.run(state, entry.podInfo);
    } catch (error) {
      this.#fail(entry, error, startMs);
      return;
    }
    const assumed = withNodeName(entry.podInfo, result.nodeName);
    this.#cache.assumePod(assumed);
    this.#nominator.delete(assumed.uid);
    const rejected = framework.runReserve(state, assumed, result.nodeName);
    const permit = rejected === undefined ? framework.runPermit(state, assumed, result.nodeName) : undefined;
    const status = rejected ?? permit?.status;
    if (status !== undefined) {
      framework.runUnreserve(state, assumed, result.nodeName);
      this.#cache.forgetPod(assumed.uid);
      this.#fail(entry, statusError(status, result.nodeName), startMs);
      return;
    }
    this.#options.onAttempt?.('scheduled', this.#clock.monotonicMs() - startMs);
    this.#lifetime.spawn((signal) => this.#bind(entry, state, result.nodeName, permit!.waits, signal));
  }

  /** The half of a cycle that waits for others: Permit's decision, PreBind, Bind. */
  async #bind(
    entry: QueuedPodInfo,
    state: CycleState,
    nodeName: string,
    waits: ReadonlyMap<string, number>,
    signal: AbortSignal,
  ): Promise<void> {
    const assumed = withNodeName(entry.podInfo, nodeName);
    const { framework } = this.#profileOf(assumed.pod);
    const startMs = this.#clock.monotonicMs();
    let status = await this.#waiting.wait(assumed.uid, waits);
    if (status === undefined) {
      this.#queue.done(assumed.uid);
      status = await framework.runPreBind(state, assumed, nodeName, signal);
    }
    await this.#reports.get(assumed.uid);
    status ??= await framework.runBind(state, assumed, nodeName, signal);
    if (status === undefined) {
      const note = `Successfully assigned ${assumed.namespace}/${assumed.name} to ${nodeName}`;
      this.#record(assumed.pod, 'Normal', 'Scheduled', note);
      framework.runPostBind(state, assumed, nodeName);
      return;
    }
    framework.runUnreserve(state, assumed, nodeName);
    if (this.#cache.forgetPod(assumed.uid)) this.#queue.moveAll(assignedPodDeleted(assumed.pod));
    if (!signal.aborted) this.#fail(entry, statusError(status, nodeName), startMs);
  }

  #profileOf(pod: Pod): RunningProfile {
    return this.#profiles.get(pod.spec.schedulerName ?? defaultSchedulerName)!;
  }

  #informer<T extends KubeObject>(resource: GroupVersionResource): Informer<T> {
    const informer = this.#informers.informer<T>(resource);
    this.#read.add(informer);
    return informer;
  }

  #bindPod(namespace: string, name: string, uid: string, nodeName: string, signal: AbortSignal): Promise<void> {
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { namespace, name, uid },
      target: { kind: 'Node', name: nodeName },
    };
    return this.#requests.run(() =>
      this.#pods.namespace(namespace).create(binding, { subresource: 'binding', name, signal }),
    );
  }

  /** The pod stays without a node: back into the queue, and say why in its status and in an Event. */
  #fail(entry: QueuedPodInfo, error: unknown, startMs: number): void {
    const rejected = error instanceof FitError || error instanceof NoNodesError;
    if (error instanceof FitError) {
      entry.unschedulablePlugins = error.diagnosis.unschedulablePlugins;
      entry.pendingPlugins = error.diagnosis.pendingPlugins;
    } else {
      entry.unschedulablePlugins = new Set();
      entry.pendingPlugins = new Set();
      if (!rejected) this.#options.onError?.(error);
    }
    this.#options.onAttempt?.(rejected ? 'unschedulable' : 'error', this.#clock.monotonicMs() - startMs);
    const { namespace, name, uid } = entry.podInfo;
    const current = this.#podInformer.get(`${namespace}/${name}`) as Pod | undefined;
    if (current === undefined || current.metadata.uid !== uid || current.spec.nodeName) {
      this.#queue.delete(uid);
      return;
    }
    // What is not a decision about nodes takes a promise back: the node may be what fails.
    const nominated = error instanceof FitError ? error.nominatedNodeName : '';
    if (nominated) this.#nominator.set(entry.podInfo, nominated);
    else if (nominated === '') this.#nominator.delete(uid);
    this.#queue.addUnschedulable(entry, !rejected);
    const message = messageOf(error);
    entry.lastMessage = message;
    const note = message.length <= maxNote ? message : `${message.slice(0, maxNote - 4)} ...`;
    this.#record(current, 'Warning', 'FailedScheduling', note);
    this.#report(current, rejected ? 'Unschedulable' : 'SchedulerError', message, nominated);
  }

  #record(pod: Pod, type: 'Normal' | 'Warning', reason: string, note: string): void {
    const { recorder, recorderOf } = this.#options;
    const name = pod.spec.schedulerName ?? defaultSchedulerName;
    const ours = this.#profiles.has(name) ? (recorderOf?.(name) ?? recorder) : recorder;
    ours.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, type, reason, note);
  }

  /** One pod's reports go out one after the other, and all before it is bound: the last word is the right one. */
  #report(pod: Pod, reason: NotScheduledReason, message: string, nominated: string | undefined): void {
    const uid = pod.metadata.uid!;
    const before = this.#reports.get(uid);
    this.#lifetime.spawn(async () => {
      const report = (async () => {
        await before;
        await this.#reportCondition(pod, reason, message, nominated);
      })();
      const settled = report.catch(() => {});
      this.#reports.set(uid, settled);
      try {
        await report;
      } finally {
        if (this.#reports.get(uid) === settled) this.#reports.delete(uid);
      }
    });
  }

  async #reportCondition(
    pod: Pod,
    reason: NotScheduledReason,
    message: string,
    nominated: string | undefined,
  ): Promise<void> {
    const patch = notScheduledPatch(pod, reason, message, nominated, timeText(this.#clock.now()));
    if (patch !== undefined) await this.#patchStatus(pod, patch);
  }

  /** Does nothing for a pod that is gone meanwhile, or another of its name: nobody is left to tell. */
  async #patchStatus(pod: Pod, patch: unknown): Promise<void> {
    const { signal } = this.#lifetime;
    try {
      const { namespace, name } = pod.metadata;
      await this.#requests.run(() =>
        this.#pods.namespace(namespace).patch(name!, 'strategic', patch, { subresource: 'status', signal }),
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Makes room: says why in the victim's status, then deletes it with its own grace. */
  async #evict(victim: PodInfo, preemptor: PodInfo, nodeName: string): Promise<void> {
    const { uid, namespace, name, pod } = victim;
    const note = `Preempted by pod ${preemptor.uid} on node ${nodeName}`;
    // One that waits at Permit is not bound yet: it need not be deleted to give its place up.
    if (this.#waiting.has(uid)) {
      this.#waiting.reject(uid, 'DefaultPreemption', 'preempted');
      this.#record(pod, 'Normal', 'Preempted', `${note} (in kube-scheduler memory).`);
      return;
    }
    const schedulerName = preemptor.pod.spec.schedulerName ?? 'default-scheduler';
    await this.#patchStatus(pod, disruptionTargetPatch(pod, schedulerName, timeText(this.#clock.now())));
    const { signal } = this.#lifetime;
    try {
      await this.#requests.run(() => this.#pods.namespace(namespace).delete(name, { preconditions: { uid }, signal }));
    } catch (error) {
      // Gone, or already another pod of its name.
      if (!isNotFound(error) && !isConflict(error)) throw error;
      return;
    }
    this.#record(pod, 'Normal', 'Preempted', note);
  }

  async #withdrawNomination({ uid, pod }: PodInfo): Promise<void> {
    this.#nominator.delete(uid);
    await this.#patchStatus(pod, { metadata: { uid }, status: { nominatedNodeName: null } });
  }
}

/** A rejection after the choice of a node reads as one about that node; anything else stays what it was. */
function statusError(status: Status, nodeName: string): unknown {
  if (!isRejected(status)) return status.error ?? new Error(status.message);
  const nodeToStatus = new NodeToStatus();
  nodeToStatus.set(nodeName, status);
  return new FitError(1, {
    nodeToStatus,
    unschedulablePlugins: new Set(status.plugin === '' ? [] : [status.plugin]),
    pendingPlugins: new Set(status.code === 'Pending' ? [status.plugin] : []),
    preFilterMessage: '',
    postFilterMessage: '',
  });
}
