/** "May X do Y?": the reviews of authorization.k8s.io/v1. Nothing is stored; each answers at once. */
import { newBadRequest, newInvalid } from '../../machinery/status/errors.ts';
import { type FieldError, invalid, required } from '../../machinery/validation/field-error.ts';
import type { UserInfo, WireResponse } from '../../machinery/wire.ts';
import { jsonResponse } from '../filters/status-response.ts';
import { requireReview } from '../handlers/review.ts';
import { virtualBody } from '../filters/virtual-body.ts';
import type { ContextHandler, RequestContext } from '../request-context.ts';
import type { AuthorizationAttributes, Authorizer } from './authorizer.ts';
import { nodeOfUser } from './node-authorizer.ts';
import type { RbacAuthorizer } from './rbac-authorizer.ts';

const apiVersion = 'authorization.k8s.io/v1';

interface ResourceAttributes {
  namespace?: string;
  verb?: string;
  group?: string;
  version?: string;
  resource?: string;
  subresource?: string;
  name?: string;
  fieldSelector?: { requirements?: { key?: string; operator?: string; values?: string[] }[] };
}

interface ReviewSpec {
  resourceAttributes?: ResourceAttributes;
  nonResourceAttributes?: { path?: string; verb?: string };
  user?: string;
  uid?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
}

interface Review {
  metadata?: { namespace?: string };
  spec?: ReviewSpec;
}

/** Handlers by resource name. */
export function accessReviewHandlers(
  authorizer: Authorizer,
  rbac: RbacAuthorizer,
): Readonly<Record<string, ContextHandler>> {
  const review = (kind: string, userOf: (spec: ReviewSpec, context: RequestContext) => UserInfo): ContextHandler => {
    return async (context) => {
      requireReview(context);
      const body = virtualBody<Review>(context, kind);
      const spec = body.spec ?? {};
      const errors = validate(spec, kind);
      if (errors.length > 0) throw newInvalid({ group: 'authorization.k8s.io', kind }, '', errors);
      const { namespace } = context.info;
      if (namespace !== '' && spec.resourceAttributes?.namespace !== namespace)
        throw newBadRequest(`spec.resourceAttributes.namespace must match namespace: ${namespace}`);
      const attributes = attributesOfSpec(spec, userOf(spec, context));
      const answer = authorizer.authorize(attributes);
      const { decision } = answer;
      const reason = decision === 'allow' ? rbac.explain(attributes) : answer.reason;
      const status = {
        allowed: decision === 'allow',
        ...(decision === 'deny' ? { denied: true } : {}),
        ...(reason === '' ? {} : { reason }),
      };
      return reviewResponse(kind, { spec, status });
    };
  };
  const subject = (spec: ReviewSpec): UserInfo => ({
    username: spec.user ?? '',
    ...(spec.uid === undefined ? {} : { uid: spec.uid }),
    groups: spec.groups ?? [],
    ...(spec.extra === undefined ? {} : { extra: spec.extra }),
  });
  return {
    subjectaccessreviews: review('SubjectAccessReview', subject),
    localsubjectaccessreviews: review('LocalSubjectAccessReview', subject),
    selfsubjectaccessreviews: review('SelfSubjectAccessReview', (_spec, context) => context.user),
    selfsubjectrulesreviews: async (context) => {
      requireReview(context);
      const body = virtualBody<{ spec?: { namespace?: string } }>(context, 'SelfSubjectRulesReview');
      const namespace = body.spec?.namespace ?? '';
      if (namespace === '') throw newBadRequest('no namespace on request');
      return reviewResponse('SelfSubjectRulesReview', {
        spec: { namespace },
        status: rulesStatus(rbac, context.user, namespace),
      });
    },
  };
}

function rulesStatus(rbac: RbacAuthorizer, user: UserInfo, namespace: string): unknown {
  const { rules, problems } = rbac.rulesFor(user, namespace);
  const isNode = nodeOfUser(user) !== undefined;
  if (isNode) problems.push('node authorizer does not support user rule resolution');
  const everything = user.groups.includes('system:masters');
  return {
    resourceRules: [
      ...(everything ? [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] : []),
      ...rules
        .filter((rule) => rule.resources?.length)
        .map(({ verbs, apiGroups, resources, resourceNames }) => ({
          verbs,
          apiGroups,
          resources,
          ...(resourceNames?.length ? { resourceNames } : {}),
        })),
    ],
    nonResourceRules: [
      ...(everything ? [{ verbs: ['*'], nonResourceURLs: ['*'] }] : []),
      ...rules
        .filter((rule) => rule.nonResourceURLs?.length)
        .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    ],
    incomplete: problems.length > 0,
    ...(problems.length > 0 ? { evaluationError: problems.join(', ') } : {}),
  };
}

function attributesOfSpec(spec: ReviewSpec, user: UserInfo): AuthorizationAttributes {
  const none = { apiGroup: '', apiVersion: '', resource: '', subresource: '', namespace: '', name: '' };
  const { resourceAttributes: r, nonResourceAttributes: n } = spec;
  if (r === undefined) return { ...none, user, verb: n?.verb ?? '', isResourceRequest: false, path: n?.path ?? '' };
  const nodeName = r.fieldSelector?.requirements?.find((q) => q.key === 'spec.nodeName' && q.operator === 'In');
  return {
    user,
    verb: r.verb ?? '',
    isResourceRequest: true,
    path: '',
    apiGroup: r.group ?? '',
    apiVersion: r.version ?? '*',
    resource: r.resource ?? '',
    subresource: r.subresource ?? '',
    namespace: r.namespace ?? '',
    name: r.name ?? '',
    nodeNameSelector: nodeName?.values?.length === 1 ? nodeName.values[0] : undefined,
  };
}

function validate(spec: ReviewSpec, kind: string): FieldError[] {
  const errors: FieldError[] = [];
  const both = spec.resourceAttributes !== undefined && spec.nonResourceAttributes !== undefined;
  const neither = spec.resourceAttributes === undefined && spec.nonResourceAttributes === undefined;
  if (both)
    errors.push(
      invalid(
        'spec.nonResourceAttributes',
        spec.nonResourceAttributes,
        'cannot be specified in combination with resourceAttributes',
      ),
    );
  if (neither)
    errors.push(
      invalid(
        'spec.resourceAttributes',
        null,
        'exactly one of nonResourceAttributes or resourceAttributes must be specified',
      ),
    );
  if (!kind.startsWith('Self') && !spec.user && !spec.groups?.length)
    errors.push(invalid('spec.user', spec.user ?? '', 'at least one of user or group must be specified'));
  if (kind === 'LocalSubjectAccessReview' && spec.resourceAttributes === undefined && neither === false)
    errors.push(required('spec.resourceAttributes', 'nonResourceAttributes are disallowed in a namespace'));
  return errors;
}

function reviewResponse(kind: string, rest: { spec: unknown; status: unknown }): WireResponse {
  return jsonResponse(201, { kind, apiVersion, metadata: { creationTimestamp: null }, ...rest });
}
