/**
 * One step of a Deployment: what to change of its ReplicaSets now, and what its status says after. Pure.
 *
 * Each step does one stage (pause or scale; grow the new; shrink the old; clean up), and the change that it makes brings
 * the next. Order matters: growing comes before shrinking, and both look at what is available, so that a rollout never
 * has more pods than surge allows nor fewer available than it promises.
 */
import type { Deployment, ReplicaSet } from '../../apis/generated/types/apps/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { type Condition, findCondition, withCondition } from '../common/conditions.ts';
import { newControllerRef } from '../common/controller-ref.ts';
import { isRolling, maxSurge, newReplicaSetSize, scaleProportionally, shrinkOld, size, wanted } from './replicas.ts';
import {
  annotation,
  findNewReplicaSet,
  intAnnotation,
  replicaSetAnnotations,
  revisionOf,
  templateHash,
  templateHashLabel,
} from './revision.ts';
import {
  conditionsOf,
  countStatus,
  deadlineMs,
  isComplete,
  msUntilDeadline,
  newCondition,
  rolloutStatus,
  type Status,
} from './status.ts';

type D = DeepReadonly<Deployment>;
type RS = DeepReadonly<ReplicaSet>;

export interface DeploymentState {
  readonly deployment: D;
  /** Those that it controls. */
  readonly replicaSets: readonly RS[];
  /** Whether pods of old templates still run (asked only where all must be gone first). */
  readonly oldPodsRun: (newSet: RS | undefined) => boolean;
  readonly nowMs: number;
}

export type DeploymentAction =
  | { readonly kind: 'create'; readonly replicaSet: ReplicaSet }
  /** `from` and `to` differ when it is scaled; else only annotations or minReadySeconds change. */
  | { readonly kind: 'update'; readonly replicaSet: ReplicaSet; readonly from: number; readonly to: number }
  | { readonly kind: 'delete'; readonly replicaSet: RS };

export interface DeploymentPlan {
  readonly actions: readonly DeploymentAction[];
  /** What the status should be; the same as it is when nothing changes. */
  readonly status: Status;
  /** The revision annotation that the Deployment should carry; undefined: as it is. */
  readonly revision: string | undefined;
  /** Time alone will change something (the progress deadline) after this. */
  readonly requeueAfterMs: number | undefined;
}

export function planDeployment(state: DeploymentState): DeploymentPlan {
  const { deployment } = state;
  const step = new Step(state);
  if (deployment.metadata.deletionTimestamp) return step.onlyStatus();
  if (deployment.spec?.paused || isScalingEvent(state)) return step.scale();
  return isRolling(deployment) ? step.roll() : step.recreate();
}

/** The Deployment's size was changed since its ReplicaSets were last sized. */
function isScalingEvent({ deployment, replicaSets }: DeploymentState): boolean {
  return replicaSets.some((rs) => {
    if (size(rs) === 0) return false;
    const desired = intAnnotation(rs, annotation.desiredReplicas);
    return desired !== undefined && desired !== wanted(deployment);
  });
}

class Step {
  readonly #d: D;
  readonly #nowMs: number;
  readonly #oldPodsRun: (newSet: RS | undefined) => boolean;
  readonly #old: readonly RS[];
  readonly #actions: DeploymentAction[] = [];
  #newSet: RS | undefined;
  #conditions: Condition[];
  #revision: string | undefined;

  constructor({ deployment, replicaSets, oldPodsRun, nowMs }: DeploymentState) {
    this.#d = deployment;
    this.#nowMs = nowMs;
    this.#oldPodsRun = oldPodsRun;
    this.#newSet = findNewReplicaSet(deployment, replicaSets);
    this.#old = replicaSets.filter((rs) => rs !== this.#newSet);
    this.#conditions = pauseConditions(deployment, nowMs);
  }

  onlyStatus(): DeploymentPlan {
    return this.#finish(countStatus(this.#d, this.#all, this.#newSet, conditionsOf(this.#d), this.#nowMs));
  }

  /** Paused, or resized: every ReplicaSet in proportion, and nothing of a rollout. */
  scale(): DeploymentPlan {
    this.#adoptRevision();
    for (const [rs, to] of scaleProportionally(this.#d, this.#newSet, this.#old)) this.#resize(rs, to);
    if (this.#d.spec?.paused) this.#cleanUp();
    return this.#finish(countStatus(this.#d, this.#all, this.#newSet, this.#conditions, this.#nowMs));
  }

  roll(): DeploymentPlan {
    if (!this.#newSet) {
      this.#createNew();
      return this.#finishRollout();
    }
    this.#adoptRevision();
    if (!this.#growNew()) {
      const shrunk = shrinkOld(this.#d, this.#newSet, this.#old);
      for (const [rs, to] of shrunk) this.#resize(rs, to);
      if (shrunk.size === 0 && this.#isComplete()) this.#cleanUp();
    }
    return this.#finishRollout();
  }

  recreate(): DeploymentPlan {
    this.#adoptRevision();
    const active = this.#old.filter((rs) => size(rs) > 0);
    for (const rs of active) this.#resize(rs, 0);
    if (active.length > 0 || this.#oldPodsRun(this.#newSet)) return this.#finishRollout();
    if (!this.#newSet) this.#createNew();
    else if (!this.#growNew() && this.#isComplete()) this.#cleanUp();
    return this.#finishRollout();
  }

  #finish(status: Status): DeploymentPlan {
    return {
      actions: this.#actions,
      status,
      revision: this.#revision,
      requeueAfterMs: this.#d.spec?.paused ? undefined : msUntilDeadline(this.#d, status, this.#nowMs),
    };
  }

  #finishRollout(): DeploymentPlan {
    return this.#finish(rolloutStatus(this.#d, this.#all, this.#newSet, this.#conditions, this.#nowMs));
  }

  get #all(): readonly RS[] {
    return this.#newSet ? [...this.#old, this.#newSet] : this.#old;
  }

  #isComplete(): boolean {
    return this.#d.status !== undefined && isComplete(this.#d, this.#d.status as DeepReadonly<Status>);
  }

  get #nextRevision(): bigint {
    // biome-ignore lint/complexity/useMathMinMax: Math.max takes no bigint
    return this.#old.map(revisionOf).reduce((most, revision) => (revision > most ? revision : most), 0n) + 1n;
  }

  /** Makes sure that the ReplicaSet of the current template carries the newest revision, and the Deployment the same. */
  #adoptRevision(): void {
    const rs = this.#newSet;
    if (!rs) return;
    const annotations = replicaSetAnnotations(this.#d, rs, this.#nextRevision);
    const readySecondsDiffer = (this.#d.spec?.minReadySeconds ?? 0) !== (rs.spec?.minReadySeconds ?? 0);
    if (readySecondsDiffer || !semanticEqual(annotations, rs.metadata.annotations)) this.#update(rs, annotations);
    this.#noteRevision(annotations[annotation.revision]);
    if (deadlineMs(this.#d) !== undefined && !findCondition(this.#conditions, 'Progressing'))
      this.#progress('FoundNewReplicaSet', `Found new replica set "${rs.metadata.name}"`);
  }

  #createNew(): void {
    const d = this.#d;
    const { name = '', namespace } = d.metadata;
    const { template, selector, minReadySeconds } = d.spec ?? {};
    const hash = templateHash(template, d.status?.collisionCount);
    const labels = { ...template?.metadata?.labels, [templateHashLabel]: hash };
    const annotations = { ...replicaSetAnnotations(d, undefined, this.#nextRevision), ...sizeAnnotations(d) };
    const replicaSet: DeepReadonly<ReplicaSet> = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `${name}-${hash}`,
        ...(namespace ? { namespace } : {}),
        ownerReferences: [newControllerRef(d, 'apps/v1', 'Deployment')],
        labels,
        annotations,
      },
      spec: {
        replicas: newReplicaSetSize(d, this.#old, undefined),
        ...(minReadySeconds ? { minReadySeconds } : {}),
        selector: { ...selector, matchLabels: { ...selector?.matchLabels, [templateHashLabel]: hash } },
        template: { ...template, metadata: { ...template?.metadata, labels } },
      },
    };
    this.#actions.push({ kind: 'create', replicaSet: replicaSet as ReplicaSet });
    this.#newSet = replicaSet;
    this.#noteRevision(annotations[annotation.revision]);
    if (deadlineMs(d) !== undefined)
      this.#progress('NewReplicaSetCreated', `Created new replica set "${replicaSet.metadata.name}"`);
  }

  /** True when the new ReplicaSet was resized. */
  #growNew(): boolean {
    const rs = this.#newSet!;
    const to = Math.min(wanted(this.#d), newReplicaSetSize(this.#d, this.#all, rs));
    if (to === size(rs)) return false;
    this.#resize(rs, to);
    return true;
  }

  #resize(rs: RS, to: number): void {
    const now = this.#planned(rs).metadata.annotations;
    const annotations = { ...now, ...sizeAnnotations(this.#d) };
    if (size(rs) !== to || !semanticEqual(annotations, now)) this.#update(rs, annotations, to);
  }

  /** One update a ReplicaSet, however many reasons there are for it. */
  #update(rs: RS, annotations: Record<string, string>, to?: number): void {
    const before = this.#planned(rs);
    const minReadySeconds = rs === this.#newSet ? (this.#d.spec?.minReadySeconds ?? 0) : rs.spec?.minReadySeconds;
    const replicaSet = {
      ...before,
      metadata: { ...before.metadata, annotations },
      spec: {
        ...before.spec,
        replicas: to ?? size(before),
        ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      },
    } as ReplicaSet;
    const action = { kind: 'update' as const, replicaSet, from: size(rs), to: size(replicaSet) };
    const at = this.#actions.findIndex((a) => a.kind === 'update' && a.replicaSet.metadata.uid === rs.metadata.uid);
    if (at >= 0) this.#actions[at] = action;
    else this.#actions.push(action);
  }

  /** The ReplicaSet with what this step changes of it already. */
  #planned(rs: RS): RS {
    const action = this.#actions.find((a) => a.kind === 'update' && a.replicaSet.metadata.uid === rs.metadata.uid);
    return action?.replicaSet ?? rs;
  }

  /** Old, empty ReplicaSets past the history limit, lowest revisions first. */
  #cleanUp(): void {
    const limit = this.#d.spec?.revisionHistoryLimit;
    if (limit === undefined || limit >= 2 ** 31 - 1) return;
    const candidates = this.#old.filter((rs) => !rs.metadata.deletionTimestamp);
    const surplus = candidates.length - limit;
    if (surplus <= 0) return;
    for (const rs of candidates.sort((a, b) => Number(revisionOf(a) - revisionOf(b))).slice(0, surplus)) {
      const isIdle =
        (rs.status?.replicas ?? 0) === 0 &&
        size(rs) === 0 &&
        (rs.metadata.generation ?? 0) <= (rs.status?.observedGeneration ?? 0);
      if (isIdle) this.#actions.push({ kind: 'delete', replicaSet: rs });
    }
  }

  #noteRevision(revision: string | undefined): void {
    if (revision !== undefined && this.#d.metadata.annotations?.[annotation.revision] !== revision)
      this.#revision = revision;
  }

  #progress(reason: string, message: string): void {
    const condition = newCondition('Progressing', 'True', reason, message, this.#nowMs);
    this.#conditions = withCondition(this.#conditions, condition);
  }
}

/** While it is paused the deadline does not run: a condition says so, and another when it goes on. */
function pauseConditions(d: D, nowMs: number): Condition[] {
  const conditions = conditionsOf(d);
  const progressing = findCondition(conditions, 'Progressing');
  if (deadlineMs(d) === undefined || progressing?.reason === 'ProgressDeadlineExceeded') return conditions;
  const wasPaused = progressing?.reason === 'DeploymentPaused';
  const condition = (reason: string, message: string) =>
    withCondition(conditions, newCondition('Progressing', 'Unknown', reason, message, nowMs));
  if (d.spec?.paused && !wasPaused) return condition('DeploymentPaused', 'Deployment is paused');
  if (!d.spec?.paused && wasPaused) return condition('DeploymentResumed', 'Deployment is resumed');
  return conditions;
}

const sizeAnnotations = (d: D): Record<string, string> => ({
  [annotation.desiredReplicas]: String(wanted(d)),
  [annotation.maxReplicas]: String(wanted(d) + maxSurge(d)),
});
