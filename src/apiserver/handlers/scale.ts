/** The `scale` sub-resource: replicas of any scalable kind as an autoscaling/v1 Scale. */
import type { ScalePaths } from '../../apis/kind.ts';
import { schemaOf } from '../../apis/scheme.ts';
import { FieldManager } from '../../machinery/managedfields/field-manager.ts';
import { decodeManagers } from '../../machinery/managedfields/managers.ts';
import { parentManagers, type ReplicasPath, scaleManagers } from '../../machinery/managedfields/scale.ts';
import { shapeOfStruct } from '../../machinery/managedfields/shape.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { cloneJson } from '../../machinery/patch/json-value.ts';
import { formatLabelSelector, type LabelSelectorObject, selectorFromSet } from '../../machinery/selectors/labels.ts';
import { newInvalid, newMethodNotSupported, newNotFound } from '../../machinery/status/errors.ts';
import { invalid } from '../../machinery/validation/field-error.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import type { RequestContext } from '../request-context.ts';
import { fieldManagerName, setManagers, trackUpdate } from '../registry/field-management.ts';
import { ObjectStore } from '../registry/object-store.ts';
import type { Served } from '../registry/served.ts';
import { servedObject } from '../watchcache/json-form.ts';
import { applyConfig, applyMediaType, readApplyConfig } from './apply.ts';
import { checkName, checkNamespace, decodeBody, type Expected, toObject } from './body.ts';
import { readObject } from './get.ts';
import { mediaTypeOf, negotiate } from './negotiate.ts';
import { parseWriteQuery, type WriteQuery } from './options.ts';
import { patchedObject, readPatch } from './patch.ts';
import { valueResponse } from './respond.ts';
import { scopeOf } from './write.ts';
import { timeText } from '../../machinery/meta/time.ts';

interface Scale extends KubeObject {
  spec?: { replicas?: number };
  status?: { replicas: number; selector?: string };
}

const schema = schemaOf('autoscaling', 'v1', 'Scale');
const expected: Expected & { readonly schema: { readonly patchType: string } } = {
  apiVersion: 'autoscaling/v1',
  version: 'v1',
  kind: 'Scale',
  schema: {
    normalize: (value, duplicates) => schema.normalize(value, duplicates),
    applyDefaults: (object) => schema.applyDefaults(object),
    patchType: schema.type.id,
  },
};

const fieldManager = new FieldManager({
  apiVersion: expected.apiVersion,
  subresource: 'scale',
  shape: shapeOfStruct(schema.type),
  empty: () => schema.normalize({}).object,
});

/** Where replicas are in all built-in kinds that scale. */
const commonPaths: ScalePaths = {
  specReplicas: '.spec.replicas',
  statusReplicas: '.status.replicas',
  selector: '.spec.selector',
};

export async function handleScale(context: RequestContext, served: Served): Promise<WireResponse> {
  const negotiated = negotiate(context.request.headers['accept']);
  const paths = served.resource.kindInfo.scale ?? commonPaths;
  const { verb, name } = context.info;
  if (verb === 'get') {
    const object = await readObject(context, served);
    return valueResponse(200, scaleOf(servedObject(served.resource, object), paths), negotiated.encoding);
  }
  if (verb !== 'update' && verb !== 'patch')
    throw newMethodNotSupported({ group: served.resource.group, resource: `${served.resource.plural}/scale` }, verb);
  const query = parseWriteQuery(context.query, verb === 'patch' ? 'PatchOptions' : 'UpdateOptions');
  const scope = { ...scopeOf(context, served, query.dryRun), fieldManager: null };
  const change = scaleChange(context, query);
  const { apiVersion } = served.resource;
  const pathOf: ReplicasPath = (version) =>
    version === apiVersion
      ? paths.specReplicas
          .split('.')
          .slice(1)
          .map((step) => `f:${step}`)
      : undefined;
  const { object } = await new ObjectStore(served).update(scope, name, (stored) => {
    if (!stored) throw newNotFound({ group: served.resource.group, resource: served.resource.plural }, name);
    const current = stored.copy();
    const managers = decodeManagers(current.metadata.managedFields);
    const before = scaleOf(current, paths);
    setManagers(before, scaleManagers(managers, pathOf));
    const scale = change(before, timeText(served.services.clock.now()));
    setManagers(current, parentManagers(managers, decodeManagers(scale.metadata.managedFields), apiVersion, pathOf));
    checkNamespace(scale, scope.namespace);
    checkName(scale, name);
    const replicas = scale.spec?.replicas ?? 0;
    if (replicas < 0)
      throw newInvalid({ group: 'autoscaling', kind: 'Scale' }, name, [
        invalid('spec.replicas', replicas, 'must be greater than or equal to 0'),
      ]);
    write(current, paths.specReplicas, replicas);
    const { resourceVersion, uid } = scale.metadata;
    if (resourceVersion) current.metadata.resourceVersion = resourceVersion;
    else delete current.metadata.resourceVersion;
    if (uid) current.metadata.uid = uid;
    return current;
  });
  return valueResponse(200, scaleOf(servedObject(served.resource, object), paths), negotiated.encoding);
}

/** What the request makes of a Scale: managers and all. */
function scaleChange(context: RequestContext, query: WriteQuery): (before: Scale, time: string) => Scale {
  const tracked = (scale: Scale, before: Scale, time: string): Scale => {
    trackUpdate(fieldManager, scale, before, fieldManagerName(context, query.fieldManager), time);
    return scale;
  };
  if (context.info.verb === 'update')
    return (before, time) => tracked(decodeBody(context, expected, query.fieldValidation), before, time);
  if (mediaTypeOf(context.request.headers['content-type']) === applyMediaType) {
    const config = readApplyConfig(context, query, expected);
    return (before, time) => {
      const { changed, managers } = applyConfig(fieldManager, before, config, query, time);
      const scale =
        changed === undefined
          ? before
          : toObject(
              { value: cloneJson(changed), duplicates: [], strictErrors: [] },
              expected,
              query.fieldValidation,
              context.warnings,
            );
      setManagers(scale, managers);
      return scale;
    };
  }
  const patch = readPatch(context, query, expected.schema);
  return (before, time) => tracked(patchedObject(patch, before, expected, query, context.warnings), before, time);
}

export function scaleOf(object: KubeObject, paths: ScalePaths): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = Number(read(object, paths.specReplicas) ?? 0);
  const selector = selectorText(read(object, paths.selector));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name: name!,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: Number(read(object, paths.statusReplicas) ?? 0),
      ...(selector === '' ? {} : { selector }),
    },
  };
}

/** A LabelSelector, a plain map (ReplicationController), or text already (custom resources). */
function selectorText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '';
  if ('matchLabels' in value || 'matchExpressions' in value) {
    const text = formatLabelSelector(value as LabelSelectorObject);
    return text === '<none>' ? '' : text;
  }
  return selectorFromSet(value as Record<string, string>).toString();
}

function read(object: unknown, path: string): unknown {
  let value = object;
  for (const step of path.split('.').slice(1)) value = (value as Record<string, unknown> | undefined)?.[step];
  return value;
}

function write(object: unknown, path: string, value: unknown): void {
  const steps = path.split('.').slice(1);
  let at = object as Record<string, unknown>;
  for (const step of steps.slice(0, -1)) at = (at[step] ??= {}) as Record<string, unknown>;
  at[steps[steps.length - 1]!] = value;
}
