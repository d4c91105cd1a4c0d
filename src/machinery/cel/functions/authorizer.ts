/** The authorizer library: `authorizer.group('apps').resource('deployments').namespace('x').check('create').allowed()`. */
import { type CelFunction, define } from '../library.ts';
import type { Extension } from '../values.ts';
import { noOverload } from './operators.ts';

/** What is asked for. */
export interface AuthorizationCheck {
  readonly user: { readonly username: string; readonly groups: readonly string[] } | undefined;
  readonly verb: string;
  readonly path: string | undefined;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

export interface AuthorizationDecision {
  readonly allowed: boolean;
  readonly reason: string;
  readonly error?: string | undefined;
}

/** Decides at once: what must be waited for cannot be asked from an expression. */
export type AuthorizeHook = (check: AuthorizationCheck) => AuthorizationDecision;

const empty: AuthorizationCheck = {
  user: undefined,
  verb: '',
  path: undefined,
  group: '',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
};

/** The value of the variable `authorizer`, and of every step from it. */
export class CelAuthorizer implements Extension {
  readonly celType: string;
  readonly hook: AuthorizeHook;
  readonly check: AuthorizationCheck;

  constructor(hook: AuthorizeHook, check: AuthorizationCheck = empty, celType = 'kubernetes.authorization.Authorizer') {
    this.hook = hook;
    this.check = check;
    this.celType = celType;
  }

  with(more: Partial<AuthorizationCheck>, step: string): CelAuthorizer {
    return new CelAuthorizer(this.hook, { ...this.check, ...more }, `kubernetes.authorization.${step}`);
  }

  celEquals(other: unknown): boolean {
    return other === this;
  }
}

class Decision implements Extension {
  readonly celType = 'kubernetes.authorization.Decision';
  readonly decision: AuthorizationDecision;
  constructor(decision: AuthorizationDecision) {
    this.decision = decision;
  }
  celEquals(other: unknown): boolean {
    return other === this;
  }
}

const step = (value: unknown): CelAuthorizer => {
  if (!(value instanceof CelAuthorizer)) throw noOverload('authorizer', value);
  return value;
};
const decision = (value: unknown): AuthorizationDecision => {
  if (!(value instanceof Decision)) throw noOverload('decision', value);
  return value.decision;
};

const A = 'kubernetes.authorization.Authorizer';
const P = 'kubernetes.authorization.PathCheck';
const G = 'kubernetes.authorization.GroupCheck';
const R = 'kubernetes.authorization.ResourceCheck';
const D = 'kubernetes.authorization.Decision';
/** Upstream's price of asking. */
const checkCost = () => 350_000;

export const authorizerFunctions: readonly CelFunction[] = [
  define('path', [`${A}.(string) -> ${P}`], (a, path) => step(a).with({ path }, 'PathCheck')),
  define('group', [`${A}.(string) -> ${G}`], (a, group) => step(a).with({ group }, 'GroupCheck')),
  define('serviceAccount', [`${A}.(string, string) -> ${A}`], (a, namespace, name) =>
    step(a).with(
      {
        user: {
          username: `system:serviceaccount:${namespace}:${name}`,
          groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
        },
      },
      'Authorizer',
    ),
  ),
  define('resource', [`${G}.(string) -> ${R}`], (a, resource) => step(a).with({ resource }, 'ResourceCheck')),
  define('subresource', [`${R}.(string) -> ${R}`], (a, subresource) => step(a).with({ subresource }, 'ResourceCheck')),
  define('namespace', [`${R}.(string) -> ${R}`], (a, namespace) => step(a).with({ namespace }, 'ResourceCheck')),
  define('name', [`${R}.(string) -> ${R}`], (a, name) => step(a).with({ name }, 'ResourceCheck')),
  define(
    'check',
    [`${P}.(string) -> ${D}`, `${R}.(string) -> ${D}`],
    (a, verb) => new Decision(step(a).hook({ ...step(a).check, verb })),
    { cost: checkCost },
  ),
  define('allowed', [`${D}.() -> bool`], (value) => decision(value).allowed),
  define('reason', [`${D}.() -> string`], (value) => decision(value).reason),
  define('errored', [`${D}.() -> bool`], (value) => decision(value).error !== undefined),
  define('error', [`${D}.() -> string`], (value) => decision(value).error ?? ''),
];
