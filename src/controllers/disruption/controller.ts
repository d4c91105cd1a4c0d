/** Keeps the status of PodDisruptionBudgets, by which evictions are allowed; takes back disruptions that never came. */
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../apis/generated/types/policy/v1.ts';
import { messageOf } from '../../base/errors.ts';
import { done, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import type { DeepReadonly, KubeObject } from '../../machinery/meta/object.ts';
import { formatLabelSelector, selectorFromObject } from '../../machinery/selectors/labels.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isConflict, isNotFound } from '../../machinery/status/is.ts';
import { controllerOf } from '../common/controller-ref.ts';
import { KeyedController } from '../common/keyed-controller.ts';
import {
  deployments,
  podDisruptionBudgets,
  pods,
  replicaSets,
  replicationControllers,
  statefulSets,
} from '../common/resources.ts';
import { Scales } from '../common/scale.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { failedStatus, msUntilStale, needsScale, planBudget } from './plan.ts';
import { timeText } from '../../machinery/meta/time.ts';

type ReadonlyPod = DeepReadonly<Pod>;
type Budget = DeepReadonly<PodDisruptionBudget>;

export const disruptionController: ControllerDescriptor = {
  name: 'disruption-controller',
  alias: 'disruption',
  serviceAccount: 'disruption-controller',
  create: (context) => new DisruptionController(context),
};

class DisruptionController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #pods: Informer<Pod>;
  readonly #scales: Scales;
  readonly #budgetLoop: KeyedController;
  readonly #staleLoop: KeyedController;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#recorder = context.recorder('controllermanager');
    this.#budgetLoop = new KeyedController(context, {
      name: disruptionController.name,
      queueName: 'disruption',
      workers: 1,
      reconcile: (key) => this.#syncBudget(key),
    });
    this.#budgets = this.#budgetLoop.follows<PodDisruptionBudget>(podDisruptionBudgets);
    this.#pods = this.#budgetLoop.follows<Pod>(pods, { keys: (pod) => this.#budgetKeysOf(pod) });
    this.#scales = new Scales(context.client, this.#budgetLoop);
    for (const resource of [replicaSets, replicationControllers, statefulSets, deployments])
      this.#budgetLoop.follows<KubeObject & { spec?: { replicas?: number } }>(resource, {
        on: ['update'],
        changed: (old, object) => old.spec?.replicas !== object.spec?.replicas,
        keys: ({ metadata }) => this.#budgets.byNamespace(metadata.namespace ?? '').map(keyOf),
      });
    this.#staleLoop = new KeyedController(context, {
      name: disruptionController.name,
      queueName: 'stale_pod_disruption',
      workers: 1,
      reconcile: (key) => this.#syncStale(key),
    });
    this.#staleLoop.follows<Pod>(pods, {
      on: ['add', 'update'],
      keys: (pod) => (msUntilStale(pod, context.clock.now()) === undefined ? [] : [keyOf(pod)]),
    });
  }

  start(): void {
    this.#budgetLoop.start();
    this.#staleLoop.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#budgetLoop.stop(), this.#staleLoop.stop()]);
  }

  #budgetKeysOf(pod: ReadonlyPod): string[] {
    return this.#budgets
      .byNamespace(pod.metadata.namespace ?? '')
      .filter((budget) => selectorFromObject(budget.spec?.selector).matches(pod.metadata.labels))
      .map(keyOf);
  }

  async #syncBudget(key: string): Promise<Outcome> {
    const budget = this.#budgets.get(key);
    if (!budget) return done;
    const nowMs = this.#context.clock.now();
    let status: PodDisruptionBudgetStatus;
    let recheckMs: number | undefined;
    try {
      ({ status, recheckMs } = await this.#plan(budget, nowMs));
    } catch (error) {
      const message = messageOf(error);
      const text = `Failed to calculate the number of expected pods: ${message}`;
      this.#record(budget, 'Warning', 'CalculateExpectedPodCountFailed', text);
      status = failedStatus(budget, message, nowMs);
    }
    if (!semanticEqual(status, budget.status)) {
      try {
        await this.#context.client
          .resource<PodDisruptionBudget>(podDisruptionBudgets)
          .namespace(budget.metadata.namespace)
          .update({ ...(budget as PodDisruptionBudget), status }, { subresource: 'status' });
      } catch (error) {
        return isNotFound(error) ? done : retry(error);
      }
    }
    return recheckMs === undefined ? done : requeueAfter(recheckMs);
  }

  async #plan(budget: Budget, nowMs: number) {
    const namespace = budget.metadata.namespace ?? '';
    const selector = selectorFromObject(budget.spec?.selector);
    const selected = this.#pods.byNamespace(namespace).filter((pod) => selector.matches(pod.metadata.labels));
    if (selected.length === 0) this.#record(budget, 'Normal', 'NoPods', 'No matching pods found');
    const scales = needsScale(budget) ? await this.#scalesOf(selected, namespace) : new Map<string, number>();
    const plan = planBudget({ budget, pods: selected, scaleOf: (uid) => scales.get(uid) ?? 0, nowMs });
    if (plan.unmanaged.length > 0)
      this.#record(
        budget,
        'Warning',
        'UnmanagedPods',
        `Pods selected by this PodDisruptionBudget (selector: ${formatLabelSelector(budget.spec?.selector)}) were found to be ` +
          'unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined ' +
          'behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.',
      );
    for (const pod of plan.notDeleted)
      this.#recorder.event(
        { ...pod, apiVersion: 'v1', kind: 'Pod' },
        'Warning',
        'NotDeleted',
        `Pod was expected by PDB ${namespace}/${budget.metadata.name} to be deleted but it wasn't`,
      );
    return plan;
  }

  /** By the UID in the pods' references; pods of several ReplicaSets of one Deployment share its number. */
  async #scalesOf(selected: readonly ReadonlyPod[], namespace: string): Promise<Map<string, number>> {
    const scales = new Map<string, number>();
    const counted = new Set<string>();
    for (const pod of selected) {
      const reference = controllerOf(pod);
      if (reference === undefined || scales.has(reference.uid)) continue;
      const scale = await this.#scales.of(reference, namespace);
      if (scale === undefined) throw new Error(`found no controllers for pod "${pod.metadata.name}"`);
      scales.set(reference.uid, counted.has(scale.uid) ? 0 : scale.replicas);
      counted.add(scale.uid);
    }
    return scales;
  }

  #record(budget: Budget, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#recorder.event({ ...budget, apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' }, type, reason, message);
  }

  async #syncStale(key: string): Promise<Outcome> {
    const pod = this.#pods.get(key);
    const waitMs = pod && msUntilStale(pod, this.#context.clock.now());
    if (!pod || waitMs === undefined) return done;
    if (waitMs > 0) return requeueAfter(waitMs);
    const conditions = (pod as Pod).status!.conditions!.map((condition) =>
      condition.type === 'DisruptionTarget' ? staleCondition(this.#context.clock.now()) : condition,
    );
    try {
      await this.#context.client
        .resource<Pod>(pods)
        .namespace(pod.metadata.namespace)
        .update({ ...(pod as Pod), status: { ...(pod as Pod).status, conditions } }, { subresource: 'status' });
      return done;
    } catch (error) {
      return isNotFound(error) || isConflict(error) ? done : retry(error);
    }
  }
}

const staleCondition = (nowMs: number) => ({
  type: 'DisruptionTarget',
  status: 'False',
  lastTransitionTime: timeText(nowMs),
});
