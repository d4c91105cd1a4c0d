/** POST of an Eviction to `pods/NAME/eviction`: a delete that disruption budgets may refuse. */
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { PodDisruptionBudget } from '../../apis/generated/types/policy/v1.ts';
import { schemaOf } from '../../apis/scheme.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { selectorFromObject } from '../../machinery/selectors/labels.ts';
import { newInternalError, newMethodNotSupported, newNotFound } from '../../machinery/status/errors.ts';
import { failure, success } from '../../machinery/status/status.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import type { RequestContext } from '../request-context.ts';
import { ObjectStore } from '../registry/object-store.ts';
import type { Served } from '../registry/served.ts';
import { servedObject } from '../watchcache/json-form.ts';
import { checkName, checkNamespace, decodeBody, type Expected } from './body.ts';
import { checkDeleteOptions } from './delete.ts';
import { negotiate } from './negotiate.ts';
import { parseWriteQuery } from './options.ts';
import { readObject } from './get.ts';
import { valueResponse } from './respond.ts';
import { scopeOf } from './write.ts';
import { timeText } from '../../machinery/meta/time.ts';

interface Eviction extends KubeObject {
  deleteOptions?: Parameters<typeof checkDeleteOptions>[0];
}

const schema = schemaOf('policy', 'v1', 'Eviction');
const expected: Expected = {
  apiVersion: 'policy/v1',
  // As upstream's, which serves no such version any more but takes it here: fabric8 sends it.
  accepts: ['policy/v1beta1'],
  version: 'v1',
  kind: 'Eviction',
  schema,
};

/** `budgets`: the served PodDisruptionBudgets. */
export async function handleEviction(
  context: RequestContext,
  pods: Served,
  budgets: Served | undefined,
): Promise<WireResponse> {
  const negotiated = negotiate(context.request.headers['accept']);
  if (context.info.verb !== 'create')
    throw newMethodNotSupported({ group: '', resource: 'pods/eviction' }, context.info.verb);
  const query = parseWriteQuery(context.query, 'CreateOptions');
  const eviction: Eviction = decodeBody(context, expected, query.fieldValidation);
  const asked = checkDeleteOptions(eviction.deleteOptions ?? {});
  const dryRun = query.dryRun || asked.dryRun;
  const scope = { ...scopeOf(context, pods, dryRun), subresource: '' };
  checkNamespace(eviction, scope.namespace);
  checkName(eviction, context.info.name);
  const pod = servedObject(pods.resource, await readObject(context, pods)) as Pod;
  if (budgets && isDisruptable(pod)) await takeDisruption(context, budgets, pod, dryRun);
  await new ObjectStore(pods).delete(scope, context.info.name, { ...asked, dryRun });
  return valueResponse(201, { ...success(), code: 201 }, negotiated.encoding);
}

/** Pods that do not run are nobody's availability. */
function isDisruptable(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return !pod.metadata.deletionTimestamp && phase !== 'Succeeded' && phase !== 'Failed' && phase !== 'Pending';
}

async function takeDisruption(context: RequestContext, budgets: Served, pod: Pod, dryRun: boolean): Promise<void> {
  const namespace = pod.metadata.namespace!;
  const matching: PodDisruptionBudget[] = [];
  for (const [, object] of budgets.cache.namespace(namespace)) {
    const budget = object.object as unknown as PodDisruptionBudget;
    if (selectorFromObject(budget.spec?.selector as never).matches(pod.metadata.labels)) matching.push(budget);
  }
  const [budget] = matching;
  if (!budget) return;
  if (matching.length > 1)
    throw newInternalError(
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  if (!isReady(pod) && mayGoUnready(budget)) return;
  const name = budget.metadata.name!;
  await new ObjectStore(budgets).update(
    { context, subresource: 'status', namespace, dryRun, admitted: true },
    name,
    (current) => {
      if (!current) throw newNotFound({ group: 'policy', resource: 'poddisruptionbudgets' }, name);
      return oneLess(current.copy() as unknown as PodDisruptionBudget, pod.metadata.name!, context.receivedMs);
    },
  );
}

const isReady = (pod: Pod) => pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;

/** A pod that serves nobody may go while the budget is healthy, or always where it says so. */
function mayGoUnready({ spec, status }: PodDisruptionBudget): boolean {
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  return (status?.desiredHealthy ?? 0) > 0 && (status?.currentHealthy ?? 0) >= (status?.desiredHealthy ?? 0);
}

function oneLess(budget: PodDisruptionBudget, pod: string, nowMs: number): KubeObject {
  const { status, metadata } = budget;
  if (!status || (status.observedGeneration ?? 0) < (metadata.generation ?? 0))
    throw refusal(`The disruption budget ${metadata.name} is still being processed by the server.`, 10);
  const allowed = status.disruptionsAllowed ?? 0;
  if (allowed <= 0)
    throw refusal(
      `The disruption budget ${metadata.name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`,
      0,
    );
  status.disruptionsAllowed = allowed - 1;
  status.disruptedPods = { ...status.disruptedPods, [pod]: timeText(nowMs) };
  return budget as unknown as KubeObject;
}

const refusal = (why: string, retryAfterSeconds: number) =>
  failure(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: 'DisruptionBudget', message: why }],
    retryAfterSeconds,
  });
