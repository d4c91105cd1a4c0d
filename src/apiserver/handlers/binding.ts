/** POST of a Binding, to `pods/NAME/binding` or to `bindings`: a pod gets its node. */
import { schemaOf } from '../../apis/scheme.ts';
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import {
  newBadRequest,
  newConflict,
  newInvalid,
  newMethodNotSupported,
  newNotFound,
} from '../../machinery/status/errors.ts';
import { success } from '../../machinery/status/status.ts';
import { type FieldError, notSupported, required } from '../../machinery/validation/field-error.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import type { RequestContext } from '../request-context.ts';
import { ObjectStore } from '../registry/object-store.ts';
import type { Served } from '../registry/served.ts';
import { checkName, checkNamespace, decodeBody, type Expected } from './body.ts';
import { negotiate } from './negotiate.ts';
import { parseWriteQuery } from './options.ts';
import { valueResponse } from './respond.ts';
import { scopeOf } from './write.ts';
import { timeText } from '../../machinery/meta/time.ts';

interface Binding extends KubeObject {
  target?: { kind?: string; name?: string };
}

const schema = schemaOf('', 'v1', 'Binding');
const expected: Expected = { apiVersion: 'v1', version: 'v1', kind: 'Binding', schema };

/** `pods`: the served pods, also for requests to `bindings`. */
export async function handleBinding(context: RequestContext, pods: Served): Promise<WireResponse> {
  const negotiated = negotiate(context.request.headers['accept']);
  const gr = { group: '', resource: 'pods/binding' };
  if (context.info.verb !== 'create') throw newMethodNotSupported(gr, context.info.verb);
  const query = parseWriteQuery(context.query, 'CreateOptions');
  const binding: Binding = decodeBody(context, expected, query.fieldValidation);
  const scope = { ...scopeOf(context, pods, query.dryRun), subresource: 'binding', admitted: true };
  checkNamespace(binding, scope.namespace);
  if (context.info.resource === 'pods') checkName(binding, context.info.name);
  const name = binding.metadata.name;
  if (!name) throw newBadRequest('name is required');
  validate(binding, name);
  const { admission, clock } = pods.services;
  if (admission.handles('CREATE')) {
    const attributes = {
      context,
      operation: 'CREATE' as const,
      group: '',
      version: 'v1',
      kind: 'Binding',
      resource: 'pods',
      subresource: 'binding',
      namespace: scope.namespace,
      name,
      object: binding,
      oldObject: undefined,
      dryRun: query.dryRun,
    };
    await admission.admit(attributes);
    await admission.validate(attributes);
  }
  await new ObjectStore(pods).update(scope, name, (current) => {
    if (!current) throw newNotFound({ group: '', resource: 'pods' }, name);
    return bind(current.copy() as Pod, binding, clock.now());
  });
  return valueResponse(201, { ...success(), code: 201 }, negotiated.encoding);
}

function validate(binding: Binding, name: string): void {
  const errors: FieldError[] = [];
  const { kind, name: node } = binding.target ?? {};
  if (kind && kind !== 'Node') errors.push(notSupported('target.kind', kind, ['Node', '<empty>']));
  if (!node) errors.push(required('target.name'));
  if (errors.length > 0) throw newInvalid({ group: '', kind: 'Binding' }, name, errors);
}

/** The pod with its node. Throws StatusError 409 where it may not get one. */
function bind(pod: Pod, binding: Binding, nowMs: number): KubeObject {
  const { name, uid, deletionTimestamp } = pod.metadata;
  const refuse = (why: string) => newConflict({ group: '', resource: 'pods/binding' }, name!, why);
  const { uid: givenUid, resourceVersion } = binding.metadata;
  if (givenUid && givenUid !== uid)
    throw refuse(`Precondition failed: UID in precondition: ${givenUid}, UID in object meta: ${uid}`);
  if (deletionTimestamp) throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  const spec = pod.spec!;
  if (spec.nodeName) throw refuse(`pod ${name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
  if (spec.schedulingGates?.length) throw refuse(`pod ${name} has non-empty .spec.schedulingGates`);
  spec.nodeName = binding.target!.name!;
  if (binding.metadata.annotations)
    pod.metadata.annotations = { ...pod.metadata.annotations, ...binding.metadata.annotations };
  pod.status ??= {};
  const others = (pod.status.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled');
  pod.status.conditions = [...others, { type: 'PodScheduled', status: 'True', lastTransitionTime: timeText(nowMs) }];
  if (resourceVersion) pod.metadata.resourceVersion = resourceVersion;
  return pod;
}
