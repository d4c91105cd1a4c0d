/**
 * POST of an Eviction to `pods/NAME/eviction`: a delete that disruption budgets may refuse.
 *
 *   admission of the Eviction -> budget -> condition DisruptionTarget -> delete
 */
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { PodDisruptionBudget } from '../../apis/generated/types/policy/v1.ts';
import { schemaOf } from '../../apis/scheme.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { timeText } from '../../machinery/meta/time.ts';
import { selectorFromObject } from '../../machinery/selectors/labels.ts';
import { newConflict, newMethodNotSupported, newNotFound } from '../../machinery/status/errors.ts';
import { isConflict } from '../../machinery/status/is.ts';
import { failure, success } from '../../machinery/status/status.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import type { DeleteOptions } from '../registry/deletion.ts';
import { ObjectStore, type WriteScope } from '../registry/object-store.ts';
import type { Served } from '../registry/served.ts';
import type { RequestContext } from '../request-context.ts';
import { servedObject } from '../watchcache/json-form.ts';
import { checkName, checkNamespace, decodeBody, type Expected } from './body.ts';
import { checkDeleteOptions } from './delete.ts';
import { isDisruptable, isReady, mayGoUnready, stillProcessed, takeDisruption } from './disruption-budget.ts';
import { readObject } from './get.ts';
import { negotiate } from './negotiate.ts';
import { parseWriteQuery } from './options.ts';
import { valueResponse } from './respond.ts';
import { scopeOf } from './write.ts';

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

/** Times that a pod which changes under our hands is looked at again. */
const maxAttempts = 20;

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
  const scope = { ...scopeOf(context, pods, dryRun), subresource: '', admitted: true };
  checkNamespace(eviction, scope.namespace);
  checkName(eviction, context.info.name);
  await admit(pods, scope, eviction);
  const options = { ...asked, dryRun };
  for (let attempt = 1; ; attempt++) {
    const pod = servedObject(pods.resource, await readObject(context, pods)) as Pod;
    const verdict = isDisruptable(pod) ? await askBudgets(context, budgets, pod, dryRun) : notRunning(pod);
    if (verdict === 'ambiguous') return valueResponse(201, ambiguous.status, negotiated.encoding);
    const held = verdict !== 'goes' && asked.preconditions?.resourceVersion === undefined;
    try {
      await disrupt(pods, scope, pod, held ? atVersionOf(pod, options) : options);
      return valueResponse(201, { ...success(), code: 201 }, negotiated.encoding);
    } catch (error) {
      if (!held || !isConflict(error)) throw error;
      // It may be ready by now, and then its budget counts it.
      if (typeof verdict === 'object') throw stillProcessed(verdict.unready);
      if (attempt >= maxAttempts) throw error;
    }
  }
}

async function admit(pods: Served, scope: WriteScope, eviction: Eviction): Promise<void> {
  const { admission } = pods.services;
  if (!admission.handles('CREATE')) return;
  const attributes = {
    context: scope.context,
    operation: 'CREATE' as const,
    group: 'policy',
    version: 'v1',
    kind: 'Eviction',
    resource: 'pods',
    subresource: 'eviction',
    namespace: scope.namespace,
    name: scope.context.info.name,
    object: eviction,
    oldObject: undefined,
    dryRun: scope.dryRun,
  };
  await admission.admit(attributes);
  await admission.validate(attributes);
}

/**
 * `goes`: whatever becomes of it meanwhile. `as it is`: only if nothing changed, else it is judged again. `unready`: it goes as
 * long as it is not ready, which is the name of the budget that lets it.
 */
type PodVerdict = 'goes' | 'as it is' | 'ambiguous' | { readonly unready: string };

/** Nobody's availability; one that waits may start to run before it is gone. */
const notRunning = ({ status, metadata }: Pod): PodVerdict =>
  status?.phase === 'Pending' && !metadata.deletionTimestamp ? 'as it is' : 'goes';

async function askBudgets(
  context: RequestContext,
  budgets: Served | undefined,
  pod: Pod,
  dryRun: boolean,
): Promise<PodVerdict> {
  const namespace = pod.metadata.namespace!;
  const matching: PodDisruptionBudget[] = [];
  for (const [, object] of budgets?.cache.namespace(namespace) ?? []) {
    const budget = object.object as unknown as PodDisruptionBudget;
    if (selectorFromObject(budget.spec?.selector as never).matches(pod.metadata.labels)) matching.push(budget);
  }
  const [budget] = matching;
  if (!budget || !budgets) return 'goes';
  if (matching.length > 1) return 'ambiguous';
  const name = budget.metadata.name!;
  if (!isReady(pod) && mayGoUnready(budget)) return { unready: name };
  await new ObjectStore(budgets).update(
    { context, subresource: 'status', namespace, dryRun, admitted: true },
    name,
    (current) => {
      if (!current) throw newNotFound({ group: 'policy', resource: 'poddisruptionbudgets' }, name);
      const one = current.copy() as unknown as PodDisruptionBudget;
      return takeDisruption(one, pod.metadata.name!, context.receivedMs) as unknown as KubeObject;
    },
  );
  return 'goes';
}

/** Upstream's answer is a Status of 500 in a response of 201. */
const ambiguous = failure(
  500,
  undefined,
  'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
);

const atVersionOf = (pod: Pod, options: DeleteOptions): DeleteOptions => ({
  ...options,
  preconditions: { ...options.preconditions, resourceVersion: pod.metadata.resourceVersion! },
});

/** Deletes the pod, after it has been written into it why: its end is then no failure of its own to a Job. */
async function disrupt(pods: Served, scope: WriteScope, pod: Pod, options: DeleteOptions): Promise<void> {
  const store = new ObjectStore(pods);
  const name = pod.metadata.name!;
  if (scope.dryRun) {
    await store.delete(scope, name, options);
    return;
  }
  const wanted = options.preconditions ?? {};
  const { object } = await store.update({ ...scope, subresource: 'status' }, name, (current) => {
    if (!current) throw newNotFound({ group: '', resource: 'pods' }, name);
    const { uid, resourceVersion } = current.object.metadata;
    if (wanted.uid !== undefined && wanted.uid !== uid) throw changed('UID', name, wanted.uid, uid);
    if (wanted.resourceVersion !== undefined && wanted.resourceVersion !== resourceVersion)
      throw changed('ResourceVersion', name, wanted.resourceVersion, resourceVersion);
    return marked(current.copy() as Pod, scope.context.receivedMs);
  });
  const preconditions = { ...wanted, resourceVersion: String(object.revision) };
  await store.delete(scope, name, wanted.resourceVersion === undefined ? options : { ...options, preconditions });
}

function changed(what: 'UID' | 'ResourceVersion', name: string, wanted: string, found: string | undefined) {
  const fate = what === 'UID' ? 'deleted and then recreated' : 'modified';
  const why = `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${found ?? ''})`;
  return newConflict({ group: '', resource: 'Pod' }, name, `${why}. The object might have been ${fate}`);
}

function marked(pod: Pod, nowMs: number): KubeObject {
  pod.status ??= {};
  const all = pod.status.conditions ?? [];
  const old = all.find(({ type }) => type === 'DisruptionTarget');
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    lastProbeTime: null as never,
    lastTransitionTime: (old?.status === 'True' && old.lastTransitionTime) || timeText(nowMs),
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  };
  pod.status.conditions = old ? all.map((one) => (one === old ? condition : one)) : [...all, condition];
  return pod;
}
