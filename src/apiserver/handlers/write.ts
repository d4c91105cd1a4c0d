/** POST and PUT of whole objects. */
import { newBadRequest } from '../../machinery/status/errors.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import type { RequestContext } from '../request-context.ts';
import { fieldManagerName } from '../registry/field-management.ts';
import { ObjectStore, type WriteScope } from '../registry/object-store.ts';
import type { Served } from '../registry/served.ts';
import { checkName, checkNamespace, decodeBody } from './body.ts';
import { negotiate } from './negotiate.ts';
import { parseWriteQuery, type WriteQuery } from './options.ts';
import { objectResponse } from './respond.ts';

export async function handleCreate(context: RequestContext, served: Served): Promise<WireResponse> {
  const negotiated = negotiate(context.request.headers['accept'], { resource: served.resource });
  const query = parseWriteQuery(context.query, 'CreateOptions');
  const object = decodeBody(context, served.resource, query.fieldValidation);
  const scope = trackedScope(context, served, query);
  checkNamespace(object, scope.namespace);
  const written = await new ObjectStore(served).create(scope, object);
  return objectResponse(201, written, served.form(negotiated), negotiated.encoding);
}

/** PUT of the object, or of one of its strategy sub-resources (status, ephemeralcontainers, resize, approval). */
export async function handleUpdate(context: RequestContext, served: Served): Promise<WireResponse> {
  const negotiated = negotiate(context.request.headers['accept'], { resource: served.resource });
  const query = parseWriteQuery(context.query, 'UpdateOptions');
  const { name } = context.info;
  const scope = trackedScope(context, served, query);
  const decode = () => {
    const object = decodeBody(context, served.resource, query.fieldValidation);
    checkNamespace(object, scope.namespace);
    checkName(object, name);
    return object;
  };
  // A first decode before anything is read: a bad body is told whether the object exists or not.
  let first: ReturnType<typeof decode> | undefined = decode();
  const { object, created } = await new ObjectStore(served).update(scope, name, () => {
    const object = first ?? decode();
    first = undefined;
    return object;
  });
  return objectResponse(created ? 201 : 200, object, served.form(negotiated), negotiated.encoding);
}

/** A write whose changes belong to a manager from now on. */
export function trackedScope(context: RequestContext, served: Served, query: WriteQuery): WriteScope {
  return {
    ...scopeOf(context, served, query.dryRun),
    fieldManager: fieldManagerName(context, query.fieldManager),
  };
}

export function scopeOf(context: RequestContext, served: Served, dryRun: boolean): WriteScope {
  const namespace = namespaceOf(context, served);
  if (served.resource.namespaced && namespace === '')
    throw newBadRequest('an empty namespace may not be set during creation');
  return { context, subresource: context.info.subresource, namespace, dryRun };
}

/** '' for cluster scope (the path of a namespace itself carries its name as one) and for all namespaces. */
export function namespaceOf(context: RequestContext, served: Served): string {
  return served.resource.namespaced ? context.info.namespace : '';
}
