/**
 * Expressions of admission: what they see of a request, and how they are compiled (apiserver admission/plugin/cel).
 * Shared by admission policies and the match conditions of webhooks.
 */
import type { Namespace } from '../../../apis/generated/types/core/v1.ts';
import { type CelEnvironment, type CelProgram, celEnvironment } from '../../../machinery/cel/cel.ts';
import { CelAuthorizer } from '../../../machinery/cel/functions/authorizer.ts';
import { define } from '../../../machinery/cel/library.ts';
import { dyn, opaque } from '../../../machinery/cel/types.ts';
import type { KubeObject } from '../../../machinery/meta/object.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { Lookup } from '../../registry/registry.ts';
import type { Attributes } from '../plugin.ts';
import { namespaceOfRequest } from '../webhook/match.ts';
import { requestOptions } from '../webhook/request-options.ts';

export interface ExpressionDependencies {
  readonly lookup: () => Lookup;
  readonly authorizer: () => Authorizer;
}

/** Upstream's limits, in units of cost: of one expression, of one policy, of all match conditions. */
export const perCallLimit = 1_000_000;
export const policyBudget = 10_000_000;
export const matchConditionsBudget = 2_500_000;

const authorizerType = opaque('kubernetes.authorization.Authorizer');
const resourceCheckType = opaque('kubernetes.authorization.ResourceCheck');

/** Messages that mutations are made of; their fields are checked when they are applied. */
const patchMessages = (name: string) =>
  name === 'JSONPatch' || name === 'Object' || name.startsWith('Object.') ? dyn : undefined;

const environment: CelEnvironment = celEnvironment({
  variables: {
    object: dyn,
    oldObject: dyn,
    request: dyn,
    params: dyn,
    namespaceObject: dyn,
    variables: dyn,
    authorizer: authorizerType,
    'authorizer.requestResource': resourceCheckType,
  },
  functions: [
    define('jsonpatch.escapeKey', ['(string) -> string'], (key: string) =>
      key.replaceAll('~', '~0').replaceAll('/', '~1'),
    ),
  ],
  struct: patchMessages,
});

/** A program, or why there is none. */
export type Compiled = CelProgram | { readonly error: string };

const programs = new Map<string, Compiled>();
/** Expressions that are kept compiled; all are dropped when there are more. */
const maxPrograms = 10_000;

export function compiledExpression(source: string): Compiled {
  let known = programs.get(source);
  if (!known) {
    try {
      known = environment.compile(source);
    } catch (error) {
      known = { error: (error as Error).message };
    }
    if (programs.size >= maxPrograms) programs.clear();
    programs.set(source, known);
  }
  return known;
}

/** What expressions see; `object` and `oldObject` in the version that they are written for. */
export interface Subject {
  readonly attributes: Attributes;
  readonly object: KubeObject | undefined;
  readonly oldObject: KubeObject | undefined;
}

export type Activation = Record<string, unknown>;

export function activationOf(subject: Subject, deps: ExpressionDependencies): Activation {
  const { attributes, object, oldObject } = subject;
  const authorizer = authorizerOf(attributes, deps);
  const namespace = namespaceOfRequest(attributes);
  return {
    object: object ?? null,
    oldObject: oldObject ?? null,
    request: requestOf(attributes, namespace),
    params: null,
    variables: {},
    namespaceObject:
      namespace === '' || (attributes.group === '' && attributes.resource === 'namespaces')
        ? null
        : (deps.lookup().get<Namespace>('', 'namespaces', '', namespace) ?? null),
    authorizer,
    'authorizer.requestResource': authorizer.with(
      {
        group: attributes.group,
        resource: attributes.resource,
        subresource: attributes.subresource,
        namespace: attributes.namespace,
        name: attributes.name,
      },
      'ResourceCheck',
    ),
  };
}

function requestOf(attributes: Attributes, namespace: string): Record<string, unknown> {
  const { group, version, kind, resource, subresource, name, operation, dryRun, context } = attributes;
  const { username, uid, groups, extra } = context.user;
  const kindOf = { group, version, kind };
  const resourceOf = { group, version, resource };
  return {
    kind: kindOf,
    resource: resourceOf,
    subResource: subresource,
    requestKind: kindOf,
    requestResource: resourceOf,
    requestSubResource: subresource,
    name,
    namespace,
    operation,
    userInfo: { username, uid: uid ?? '', groups, extra: extra ?? {} },
    dryRun,
    options: requestOptions(attributes) ?? {},
  };
}

function authorizerOf({ context }: Attributes, deps: ExpressionDependencies): CelAuthorizer {
  return new CelAuthorizer((check) => {
    const { decision, reason } = deps.authorizer().authorize({
      user: check.user ? { ...check.user, groups: [...check.user.groups] } : context.user,
      verb: check.verb,
      isResourceRequest: check.path === undefined,
      path: check.path ?? '',
      apiGroup: check.group,
      apiVersion: '*',
      resource: check.resource,
      subresource: check.subresource,
      namespace: check.namespace,
      name: check.name,
    });
    return { allowed: decision === 'allow', reason };
  });
}

/** Evaluates expressions within one budget. Throws an Error that says what went wrong. */
export class Evaluator {
  readonly #activation: Activation;
  #budget: number;

  constructor(activation: Activation, budget: number) {
    this.#activation = activation;
    this.#budget = budget;
  }

  /** `variables.NAME` in later expressions; evaluated when it is first asked for. */
  addVariable(name: string, expression: string): void {
    const variables = this.#activation['variables'] as Record<string, unknown>;
    let known: { readonly value: unknown } | undefined;
    Object.defineProperty(variables, name, {
      enumerable: true,
      get: () => {
        known ??= { value: this.evaluate(expression) };
        return known.value;
      },
    });
  }

  evaluate(expression: string): unknown {
    const program = compiledExpression(expression);
    if ('error' in program) throw new Error(`compilation error: ${program.error}`);
    const { value, cost } = program.evaluate(this.#activation, Math.min(perCallLimit, this.#budget));
    this.#budget -= cost;
    return value;
  }
}
