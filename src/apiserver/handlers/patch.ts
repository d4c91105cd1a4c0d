/** PATCH: the change is applied to what is stored, in the served version, and tried again when that has moved on. */
import { builtinPatchLookup } from '../../apis/scheme.ts';
import { isJsonSyntaxError } from '../../machinery/codec/json.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { applyJsonPatch } from '../../machinery/patch/json-patch.ts';
import { applyMergePatch } from '../../machinery/patch/merge-patch.ts';
import { applyStrategicMergePatch } from '../../machinery/patch/strategic.ts';
import {
  newBadRequest,
  newInvalid,
  newNotFound,
  newRouteUnsupportedMediaType,
  newUnsupportedMediaType,
} from '../../machinery/status/errors.ts';
import { forbidden } from '../../machinery/validation/field-error.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import type { RequestContext } from '../request-context.ts';
import { ObjectStore, type WriteResult } from '../registry/object-store.ts';
import type { ObjectSchema } from '../registry/resource.ts';
import type { Served } from '../registry/served.ts';
import { applyMediaType, applyObject } from './apply.ts';
import { checkName, checkNamespace, type Expected, type ParsedBody, parseDocument, toObject } from './body.ts';
import { mediaTypeOf, negotiate, patchMediaTypes } from './negotiate.ts';
import { parseWriteQuery, type WriteQuery } from './options.ts';
import { objectResponse } from './respond.ts';
import { trackedScope } from './write.ts';

export async function handlePatch(context: RequestContext, served: Served): Promise<WireResponse> {
  const negotiated = negotiate(context.request.headers['accept'], { resource: served.resource });
  const query = parseWriteQuery(context.query, 'PatchOptions');
  const isApply = mediaTypeOf(context.request.headers['content-type']) === applyMediaType;
  const { object, created } = await (isApply ? applyObject : patchObject)(context, served, query);
  return objectResponse(created ? 201 : 200, object, served.form(negotiated), negotiated.encoding);
}

async function patchObject(context: RequestContext, served: Served, query: WriteQuery): Promise<WriteResult> {
  const { resource } = served;
  const scope = trackedScope(context, served, query);
  const patch = readPatch(context, query, resource.schema);
  const { name } = context.info;
  return new ObjectStore(served).update(scope, name, (current) => {
    if (!current) throw newNotFound({ group: resource.group, resource: resource.plural }, name);
    const object = patchedObject(patch, current.object, resource, query, context.warnings);
    checkNamespace(object, scope.namespace);
    checkName(object, name);
    return object;
  });
}

/** A patch that can be applied to any document. */
export interface Patch {
  readonly apply: (document: unknown) => unknown;
  /** Paths of keys that the patch gives twice, where its paths are those of the object. */
  readonly duplicates: readonly string[];
}

/** Reads the body by its content type. Throws StatusError 400, 415. */
export function readPatch(context: RequestContext, query: WriteQuery, schema: Pick<ObjectSchema, 'patchType'>): Patch {
  const type = mediaTypeOf(context.request.headers['content-type']);
  if (!patchMediaTypes.includes(type) || type === applyMediaType) throw newRouteUnsupportedMediaType();
  if (query.force)
    throw newInvalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      forbidden('force', 'may not be specified for non-apply patch'),
    ]);
  let parsed: ParsedBody;
  try {
    parsed = parseDocument(context.request.body ?? new Uint8Array(0), 'json', query.fieldValidation !== 'Ignore');
  } catch (error) {
    if (isJsonSyntaxError(error)) throw newBadRequest(`error decoding patch: ${error.message}`);
    throw error;
  }
  const { value, duplicates } = parsed;
  switch (type) {
    case 'application/json-patch+json':
      return { apply: (document) => applyJsonPatch(document, value), duplicates: [] };
    case 'application/merge-patch+json':
      return { apply: (document) => applyMergePatch(document, value), duplicates };
    default: {
      const { patchType } = schema;
      if (patchType === undefined) throw newUnsupportedMediaType(patchMediaTypes.filter((t) => t !== type));
      return {
        apply: (document) => applyStrategicMergePatch(document, value, builtinPatchLookup, patchType),
        duplicates,
      };
    }
  }
}

/** The patched object, decoded and defaulted anew; `current` is only read. */
export function patchedObject(
  patch: Patch,
  current: KubeObject,
  expected: Expected,
  query: WriteQuery,
  warnings: string[],
): KubeObject {
  const object = toObject(
    { value: patch.apply(current), duplicates: patch.duplicates, strictErrors: [] },
    expected,
    query.fieldValidation,
    warnings,
  );
  expected.schema.applyDefaults(object);
  return object;
}
