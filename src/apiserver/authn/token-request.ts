/** serviceaccounts/token: a new token, bound to its ServiceAccount and, if asked, to a Pod, Node or Secret. */
import type { Clock } from '../../base/clock.ts';
import { type Random, randomUuid } from '../../base/random.ts';
import {
  newBadRequest,
  newConflict,
  newInvalid,
  newMethodNotSupported,
  newNotFound,
} from '../../machinery/status/errors.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { type FieldError, invalid } from '../../machinery/validation/field-error.ts';
import { jsonResponse } from '../filters/status-response.ts';
import { virtualBody } from '../filters/virtual-body.ts';
import type { Lookup } from '../registry/registry.ts';
import type { ContextHandler } from '../request-context.ts';
import type { BoundRef, PrivateClaims } from './service-account-tokens.ts';
import type { TokenKeys } from './token-keys.ts';
import { serviceAccountUsername } from './users.ts';

export interface TokenRequestOptions {
  readonly issuer: string;
  readonly audiences: readonly string[];
}

interface TokenRequestSpec {
  audiences?: string[];
  expirationSeconds?: number;
  boundObjectRef?: { kind?: string; apiVersion?: string; name?: string; uid?: string } | null;
}

const defaultSeconds = 3600;
const leastSeconds = 600;
const mostSeconds = 2 ** 32;
/**
 * Kubelets ask for this odd number for pods' own tokens (ServiceAccount admission writes it). Such a token is made for a
 * year, so that old clients that read it once still work, and says when it should have been replaced.
 */
const projectedSeconds = 3607;
const extendedSeconds = 365 * 24 * 3600;

interface Pod extends KubeObject {
  spec?: { serviceAccountName?: string; nodeName?: string };
}

export function tokenRequestHandler(
  options: TokenRequestOptions,
  deps: { readonly keys: TokenKeys; readonly clock: Clock; readonly random: Random; readonly lookup: Lookup },
): ContextHandler {
  return async (context) => {
    const { info } = context;
    if (info.verb !== 'create')
      throw newMethodNotSupported({ group: '', resource: 'serviceaccounts/token' }, info.verb);
    const account = find(deps.lookup, 'serviceaccounts', info.namespace, info.name);
    const { spec: asked = {} } = virtualBody<{ spec?: TokenRequestSpec }>(context, 'TokenRequest');
    const spec = {
      audiences: asked.audiences?.length ? asked.audiences : [...options.audiences],
      expirationSeconds: asked.expirationSeconds ?? defaultSeconds,
      boundObjectRef: asked.boundObjectRef ?? null,
    };
    const errors = validate(spec.expirationSeconds);
    if (errors.length > 0) throw newInvalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', errors);

    const nowSeconds = Math.floor(deps.clock.now() / 1000);
    const extended =
      spec.expirationSeconds === projectedSeconds && spec.audiences.every((a) => options.audiences.includes(a));
    const expires = nowSeconds + (extended ? extendedSeconds : spec.expirationSeconds);
    const bound: PrivateClaims = {
      namespace: info.namespace,
      ...boundClaims(spec.boundObjectRef, account, info.namespace, deps.lookup),
      serviceaccount: refOf(account),
      ...(extended ? { warnafter: nowSeconds + spec.expirationSeconds } : {}),
    };
    const token = await deps.keys.sign({
      aud: spec.audiences,
      exp: expires,
      iat: nowSeconds,
      iss: options.issuer,
      jti: randomUuid(deps.random),
      'kubernetes.io': bound,
      nbf: nowSeconds,
      sub: serviceAccountUsername(info.namespace, info.name),
    });
    // What is told is the time asked for: the extension is the server's secret.
    const expirationTimestamp = new Date((nowSeconds + spec.expirationSeconds) * 1000)
      .toISOString()
      .replace('.000Z', 'Z');
    return jsonResponse(201, {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: {
        name: info.name,
        namespace: info.namespace,
        creationTimestamp: new Date(nowSeconds * 1000).toISOString().replace('.000Z', 'Z'),
      },
      spec,
      status: { token, expirationTimestamp },
    });
  };
}

function validate(seconds: number): FieldError[] {
  const field = 'spec.expirationSeconds';
  if (!Number.isInteger(seconds)) return [invalid(field, seconds, 'must be an integer')];
  if (seconds < leastSeconds) return [invalid(field, seconds, 'may not specify a duration less than 10 minutes')];
  if (seconds > mostSeconds) return [invalid(field, seconds, 'may not specify a duration larger than 2^32 seconds')];
  return [];
}

/** Claims of the object a token is bound to. Throws a StatusError when it is not there, or another by the same name. */
function boundClaims(
  ref: TokenRequestSpec['boundObjectRef'],
  account: KubeObject,
  namespace: string,
  lookup: Lookup,
): Partial<Pick<PrivateClaims, 'pod' | 'secret' | 'node'>> {
  if (ref === null || ref === undefined) return {};
  const name = ref.name ?? '';
  switch (`${ref.apiVersion}/${ref.kind}`) {
    case 'v1/Pod': {
      const pod = find<Pod>(lookup, 'pods', namespace, name);
      checkUid(pod, 'pods', ref.uid);
      if (pod.spec?.serviceAccountName !== account.metadata.name)
        throw newBadRequest(
          `cannot bind token for serviceaccount "${account.metadata.name}" to pod running with different serviceaccount name.`,
        );
      const nodeName = pod.spec?.nodeName;
      if (!nodeName) return { pod: refOf(pod) };
      const node = lookup.get('', 'nodes', '', nodeName);
      return { pod: refOf(pod), node: { name: nodeName, uid: node?.metadata.uid ?? '' } };
    }
    case 'v1/Secret': {
      const secret = find(lookup, 'secrets', namespace, name);
      checkUid(secret, 'secrets', ref.uid);
      return { secret: refOf(secret) };
    }
    case 'v1/Node': {
      const node = find(lookup, 'nodes', '', name);
      checkUid(node, 'nodes', ref.uid);
      return { node: refOf(node) };
    }
    default:
      throw newBadRequest(`cannot bind token to object of type ${ref.apiVersion}, Kind=${ref.kind}`);
  }
}

function find<T extends KubeObject>(lookup: Lookup, resource: string, namespace: string, name: string): T {
  const object = lookup.get<T>('', resource, namespace, name);
  if (object === undefined) throw newNotFound({ group: '', resource }, name);
  return object;
}

function checkUid(object: KubeObject, resource: string, uid: string | undefined): void {
  if (!uid || uid === object.metadata.uid) return;
  throw newConflict(
    { group: '', resource },
    object.metadata.name ?? '',
    `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
  );
}

const refOf = (object: KubeObject): BoundRef => ({ name: object.metadata.name ?? '', uid: object.metadata.uid ?? '' });
