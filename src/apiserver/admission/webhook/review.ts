/** AdmissionReview: what a webhook is asked, and what may be made of its answer (admission.k8s.io/v1 and v1beta1). */
import { decodeText, stringifyJson } from '../../../machinery/codec/json.ts';
import type { KubeObject } from '../../../machinery/meta/object.ts';
import { failure, type Status, StatusError } from '../../../machinery/status/status.ts';
import type { Resource } from '../../registry/resource.ts';
import type { Attributes } from '../plugin.ts';
import { namespaceOfRequest } from './match.ts';
import { requestOptions } from './request-options.ts';

export type ReviewVersion = 'v1' | 'v1beta1';

export interface ReviewQuestion {
  readonly version: ReviewVersion;
  readonly uid: string;
  readonly attributes: Attributes;
  /** What the webhook is told the request is for; the objects are of it. */
  readonly resource: Resource | undefined;
  readonly object: KubeObject | undefined;
  readonly oldObject: KubeObject | undefined;
}

export interface ReviewAnswer {
  readonly allowed: boolean;
  readonly status: Partial<Status> | undefined;
  /** Base64. */
  readonly patch: string;
  readonly patchType: string;
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

const encoder = new TextEncoder();

export function encodeReview(question: ReviewQuestion): Uint8Array {
  const { version, uid, attributes, resource, object, oldObject } = question;
  const { group, kind, subresource, operation, context } = attributes;
  const ownKind = resource === undefined || kind !== attributes.served?.kind;
  const kindOf = (g: string, v: string, k: string) => ({ group: g, version: v, kind: k });
  const resourceOf = (g: string, v: string, r: string) => ({ group: g, version: v, resource: r });
  const requestKind = kindOf(kindGroup(attributes), kindVersion(attributes), kind);
  const { username, uid: userUid, groups, extra } = context.user;
  const namespace = namespaceOfRequest(attributes);
  const request = {
    uid,
    kind: ownKind ? requestKind : kindOf(resource.group, resource.version, resource.kind),
    resource: resource
      ? resourceOf(resource.group, resource.version, resource.plural)
      : resourceOf(group, attributes.version, attributes.resource),
    ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind,
    requestResource: resourceOf(group, attributes.version, attributes.resource),
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
    ...(attributes.name === '' ? {} : { name: attributes.name }),
    ...(namespace === '' ? {} : { namespace }),
    operation,
    userInfo: {
      username,
      ...(userUid ? { uid: userUid } : {}),
      ...(groups.length > 0 ? { groups } : {}),
      ...(extra && Object.keys(extra).length > 0 ? { extra } : {}),
    },
  };
  const head = stringifyJson(request).slice(0, -1);
  const options = requestOptions(attributes);
  return encoder.encode(
    `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/${version}","request":${head}` +
      `,"object":${text(object, resource)},"oldObject":${text(oldObject, resource)}` +
      `,"dryRun":${attributes.dryRun},"options":${options === undefined ? 'null' : stringifyJson(options)}}}\n`,
  );
}

/** The kind of a sub-resource (Binding, Scale, PodExecOptions) has a group and version of its own. */
function kindGroup({ object, kind, served, group }: Attributes): string {
  if (kind === served?.kind || object?.apiVersion === undefined) return group;
  return object.apiVersion.includes('/') ? object.apiVersion.split('/')[0]! : '';
}

function kindVersion({ object, kind, served, version }: Attributes): string {
  if (kind === served?.kind || object?.apiVersion === undefined) return version;
  return object.apiVersion.slice(object.apiVersion.indexOf('/') + 1);
}

function text(object: KubeObject | undefined, resource: Resource | undefined): string {
  if (object === undefined) return 'null';
  if (resource === undefined || object.kind !== resource.kind) return stringifyJson(object);
  return decodeText(resource.schema.encode(object));
}

interface RawReview {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly response?: {
    readonly uid?: string;
    readonly allowed?: boolean;
    readonly patch?: string | null;
    readonly patchType?: string | null;
    readonly status?: Partial<Status> | null;
    readonly warnings?: readonly string[] | null;
    readonly auditAnnotations?: Readonly<Record<string, string>> | null;
  } | null;
}

/** Throws an Error that says what is wrong with the answer. v1beta1 answers are checked less, as ever. */
export function readReview(raw: unknown, version: ReviewVersion, uid: string, mutating: boolean): ReviewAnswer {
  const review = (raw ?? {}) as RawReview;
  const { response } = review;
  if (!response) throw new Error('webhook response was absent');
  const patch = response.patch ?? '';
  let patchType = response.patchType ?? '';
  if (version === 'v1') {
    if (response.uid !== uid)
      throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`);
    const want = 'admission.k8s.io/v1, Kind=AdmissionReview';
    const got = `${review.apiVersion ?? ''}, Kind=${review.kind ?? ''}`;
    if (got !== want) throw new Error(`expected webhook response of ${want}, got ${got}`);
    checkPatch(patch, response.patchType ?? undefined, mutating);
  } else patchType = mutating && patch !== '' ? 'JSONPatch' : '';
  return {
    allowed: response.allowed === true,
    status: response.status ?? undefined,
    patch: mutating ? patch : '',
    patchType,
    warnings: response.warnings ?? [],
    auditAnnotations: response.auditAnnotations ?? {},
  };
}

function checkPatch(patch: string, patchType: string | undefined, mutating: boolean): void {
  if (!mutating) {
    if (patch !== '') throw new Error('validating webhook may not return response.patch');
    if (patchType !== undefined) throw new Error('validating webhook may not return response.patchType');
    return;
  }
  if (patch !== '' && patchType === undefined)
    throw new Error('webhook returned response.patch but not response.patchType');
  if (patch === '' && patchType !== undefined)
    throw new Error('webhook returned response.patchType but not response.patch');
  if (patchType === '') throw new Error('webhook returned invalid response.patchType of ""');
}

/** The refusal that the client gets: the webhook's Status, made into a failure that names the webhook. */
export function deniedBy(webhook: string, status: Partial<Status> | undefined): StatusError {
  const head = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const why = status?.message || status?.reason;
  const message = why ? `${head}: ${why}` : `${head} without explanation`;
  const code = Math.max(status?.code ?? 0, 400);
  const made = failure(code, status?.reason, message, status?.details);
  return new StatusError({ ...made.status, metadata: status?.metadata ?? {} });
}
