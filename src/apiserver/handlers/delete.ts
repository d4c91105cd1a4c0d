/** DELETE of one object and of collections. */
import { newBadRequest, newInvalid } from '../../machinery/status/errors.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { success } from '../../machinery/status/status.ts';
import { type FieldError, invalid, notSupported } from '../../machinery/validation/field-error.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import { yieldTask } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { RequestContext } from '../request-context.ts';
import type { DeleteOptions } from '../registry/deletion.ts';
import { ObjectStore } from '../registry/object-store.ts';
import type { Resource } from '../registry/resource.ts';
import type { Served } from '../registry/served.ts';
import type { CachedObject } from '../watchcache/cached-object.ts';
import { parseBody } from './body.ts';
import { readAll, sendList } from './list.ts';
import { negotiate } from './negotiate.ts';
import { dryRunOf, parseListQuery } from './options.ts';
import { objectResponse, valueResponse } from './respond.ts';
import { selectionOf } from './selection.ts';
import { namespaceOf, scopeOf } from './write.ts';

/** Resources whose DELETE answers with the object instead of a Status (upstream: ReturnDeletedObject). */
const returnsObject = new Set([
  '/persistentvolumeclaims',
  '/persistentvolumes',
  '/pods',
  '/podtemplates',
  '/resourcequotas',
  '/serviceaccounts',
  '/services',
  'resource.k8s.io/deviceclasses',
  'resource.k8s.io/resourceclaims',
  'resource.k8s.io/resourceclaimtemplates',
  'resource.k8s.io/resourceslices',
  'storage.k8s.io/csidrivers',
  'storage.k8s.io/csinodes',
  'storage.k8s.io/storageclasses',
  'storage.k8s.io/volumeattachments',
  'storage.k8s.io/volumeattributesclasses',
]);

export async function handleDelete(context: RequestContext, served: Served): Promise<WireResponse> {
  const negotiated = negotiate(context.request.headers['accept'], { resource: served.resource });
  const { resource } = served;
  const options = deleteOptionsOf(context);
  const { name } = context.info;
  const { unsaidPropagationWarning: warning } = resource.kindInfo;
  if (warning && options.propagationPolicy === undefined && options.orphanDependents === undefined)
    context.warnings.push(warning);
  const { object, removed } = await new ObjectStore(served).delete(
    scopeOf(context, served, options.dryRun),
    name,
    options,
  );
  // Not removed yet though dependents were to go with it: accepted, not done.
  const status = !removed && options.orphanDependents === false ? 202 : 200;
  if (removed && !returnsObject.has(`${resource.group}/${resource.plural}`))
    return valueResponse(status, deletedStatus(resource, object), negotiated.encoding);
  return objectResponse(status, object, served.form(negotiated), negotiated.encoding);
}

function deletedStatus(resource: Resource, object: CachedObject) {
  const { group, plural } = resource;
  const { uid } = object.object.metadata;
  return success({ name: object.name, group, kind: plural, ...(uid === undefined ? {} : { uid }) });
}

/** Deletes one by one what a list selects; the answer is that list. */
export async function handleDeleteCollection(context: RequestContext, served: Served): Promise<WireResponse> {
  const negotiated = negotiate(context.request.headers['accept'], { resource: served.resource });
  const options = deleteOptionsOf(context);
  const query = parseListQuery(context.query, false);
  const namespace = namespaceOf(context, served);
  const selection = selectionOf(served, namespace, query.labels, query.fields);
  const page = await readAll(served, query, selection);
  const store = new ObjectStore(served);
  const deleted: CachedObject[] = [];
  for (const item of page.items) {
    if (context.request.signal.aborted) break;
    if (item === undefined) {
      await yieldTask(served.services.clock);
      continue;
    }
    const scope = {
      ...scopeOf({ ...context, info: { ...context.info, namespace: item.namespace } }, served, options.dryRun),
    };
    try {
      const { object } = await store.delete(scope, item.name, options);
      deleted.push(object);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return sendList(
    served.form(negotiated),
    { resourceVersion: String(page.revision) },
    deleted,
    negotiated.encoding,
    served.services.clock,
  );
}

interface Given {
  gracePeriodSeconds?: unknown;
  propagationPolicy?: unknown;
  orphanDependents?: unknown;
  preconditions?: { uid?: string; resourceVersion?: string } | null;
  dryRun?: unknown;
}

/** DeleteOptions of the body, or of the query when there is no body. Throws StatusError 400 and 422. */
export function deleteOptionsOf(context: RequestContext): DeleteOptions {
  return checkDeleteOptions(context.request.body?.length ? ofBody(context) : ofQuery(context.query));
}

function ofBody(context: RequestContext): Given {
  let value: unknown;
  try {
    ({ value } = parseBody(context, false));
  } catch (error) {
    if (error instanceof Error && error.name !== 'StatusError')
      throw newBadRequest(`DeleteOptions: ${messageOf(error)}`);
    throw error;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw newBadRequest('DeleteOptions: the body must be an object');
  const kind = (value as { kind?: unknown }).kind;
  if (kind !== undefined && kind !== 'DeleteOptions')
    throw newBadRequest(`decoded object cannot be converted to DeleteOptions (kind ${JSON.stringify(kind)})`);
  return value as Given;
}

function ofQuery(query: URLSearchParams): Given {
  const given: Given = {};
  const grace = query.get('gracePeriodSeconds');
  if (grace !== null) given.gracePeriodSeconds = Number(grace);
  const policy = query.get('propagationPolicy');
  if (policy !== null) given.propagationPolicy = policy;
  const orphan = query.get('orphanDependents');
  if (orphan !== null) given.orphanDependents = orphan !== 'false' && orphan !== '0';
  if (query.has('dryRun')) given.dryRun = query.getAll('dryRun');
  return given;
}

const policies = ['Background', 'Foreground', 'Orphan'] as const;
/** In the order in which upstream names them. */
const namedPolicies = ['Foreground', 'Background', 'Orphan'];
type Policy = (typeof policies)[number];

/** Also for the deleteOptions inside an Eviction. */
export function checkDeleteOptions(given: Given): DeleteOptions {
  const errors: FieldError[] = [];
  const { gracePeriodSeconds: grace, propagationPolicy: policy, orphanDependents: orphan } = given;
  if (grace !== undefined && grace !== null && !Number.isInteger(grace))
    errors.push(invalid('gracePeriodSeconds', grace, 'must be an integer'));
  if (policy !== undefined && policy !== null && orphan !== undefined && orphan !== null)
    errors.push(invalid('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'));
  if (policy !== undefined && policy !== null && !policies.includes(policy as Policy))
    errors.push(notSupported('propagationPolicy', policy, [...namedPolicies, 'nil']));
  const dryRun = dryRunOf(Array.isArray(given.dryRun) ? given.dryRun.map(String) : [], errors);
  if (errors.length > 0) throw newInvalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
  return {
    gracePeriodSeconds: grace === undefined || grace === null ? undefined : Number(grace),
    propagationPolicy: (policy ?? undefined) as Policy | undefined,
    orphanDependents: typeof orphan === 'boolean' ? orphan : undefined,
    preconditions: given.preconditions ?? {},
    dryRun,
  };
}
