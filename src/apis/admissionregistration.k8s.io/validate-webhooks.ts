/** Validation of webhook configurations (upstream: apis/admissionregistration/validation). */
import { messageOf } from '../../base/errors.ts';
import {
  duplicate,
  type FieldError,
  invalid,
  notSupported,
  required,
  tooMany,
} from '../../machinery/validation/field-error.ts';
import { isDns1035Label, isDns1123Subdomain, isQualifiedName } from '../../machinery/validation/formats.ts';
import { validateClientConfig } from '../common/validate-client-config.ts';
import { validateLabelSelector } from '../common/validate-selector.ts';
import { checkMatchCondition } from './admission-cel.ts';
import type {
  MutatingWebhook,
  RuleWithOperations,
  ValidatingWebhook,
} from '../generated/types/admissionregistration.k8s.io/v1.ts';

type Webhook = MutatingWebhook | ValidatingWebhook;

const reviewVersions = ['v1', 'v1beta1'];
const sideEffects = ['None', 'NoneOnDryRun'];
const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const maxMatchConditions = 64;

export function validateWebhooks(webhooks: readonly Webhook[] | undefined): FieldError[] {
  const names = new Set<string>();
  return (webhooks ?? []).flatMap((webhook, i) => {
    const at = `webhooks[${i}]`;
    const errors = [
      ...validateWebhook(webhook, at),
      ...validateReviewVersions(webhook.admissionReviewVersions, `${at}.admissionReviewVersions`),
    ];
    if (webhook.name && names.has(webhook.name)) errors.push(duplicate(`${at}.name`, webhook.name));
    names.add(webhook.name);
    return errors;
  });
}

function validateWebhook(webhook: Webhook, at: string): FieldError[] {
  const errors = fullyQualifiedName(webhook.name, `${at}.name`);
  for (const [i, rule] of (webhook.rules ?? []).entries()) errors.push(...validateRule(rule, `${at}.rules[${i}]`));
  const oneOf = (value: string | undefined, field: string, supported: readonly string[]) => {
    if (value !== undefined && !supported.includes(value))
      errors.push(notSupported(`${at}.${field}`, value, supported));
  };
  oneOf(webhook.failurePolicy, 'failurePolicy', ['Fail', 'Ignore']);
  oneOf(webhook.matchPolicy, 'matchPolicy', ['Equivalent', 'Exact']);
  if (webhook.sideEffects === undefined)
    errors.push(required(`${at}.sideEffects`, `must specify one of ${sideEffects.join(', ')}`));
  oneOf(webhook.sideEffects, 'sideEffects', sideEffects);
  const { timeoutSeconds } = webhook;
  if (timeoutSeconds !== undefined && !(timeoutSeconds >= 1 && timeoutSeconds <= 30))
    errors.push(invalid(`${at}.timeoutSeconds`, timeoutSeconds, 'the timeout value must be between 1 and 30 seconds'));
  for (const field of ['namespaceSelector', 'objectSelector'] as const)
    if (webhook[field]) errors.push(...validateLabelSelector(webhook[field] as never, `${at}.${field}`));
  oneOf((webhook as MutatingWebhook).reinvocationPolicy, 'reinvocationPolicy', ['IfNeeded', 'Never']);
  errors.push(...validateClientConfig(webhook.clientConfig, `${at}.clientConfig`));
  errors.push(...validateMatchConditions(webhook, `${at}.matchConditions`));
  return errors;
}

function fullyQualifiedName(name: string | undefined, field: string): FieldError[] {
  if (!name) return [required(field)];
  const errors = isDns1123Subdomain(name).map((why) => invalid(field, name, why));
  if (errors.length > 0) return errors;
  if (name.split('.').length < 3)
    return [invalid(field, name, 'should be a domain with at least three segments separated by dots')];
  return [];
}

function validateReviewVersions(versions: readonly string[] | undefined, field: string): FieldError[] {
  if (!versions?.length) return [required(field, `must specify one of ${reviewVersions.join(', ')}`)];
  const errors: FieldError[] = [];
  for (const [i, version] of versions.entries()) {
    if (versions.indexOf(version) < i) errors.push(invalid(`${field}[${i}]`, version, 'duplicate version'));
    else errors.push(...isDns1035Label(version).map((why) => invalid(`${field}[${i}]`, version, why)));
  }
  if (!versions.some((v) => reviewVersions.includes(v)))
    errors.push(invalid(field, versions, `must include at least one of ${reviewVersions.join(', ')}`));
  return errors;
}

function validateRule(rule: RuleWithOperations, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const alone = (field: 'operations' | 'apiGroups' | 'apiVersions', what: string) => {
    const items = rule[field] ?? [];
    if (items.length === 0) errors.push(required(`${at}.${field}`));
    if (items.length > 1 && items.includes('*'))
      errors.push(invalid(`${at}.${field}`, items, `if '*' is present, must not specify other ${what}`));
  };
  alone('operations', 'operations');
  for (const [i, operation] of (rule.operations ?? []).entries())
    if (!operations.includes(operation)) errors.push(notSupported(`${at}.operations[${i}]`, operation, operations));
  alone('apiGroups', 'API groups');
  alone('apiVersions', 'API versions');
  for (const [i, version] of (rule.apiVersions ?? []).entries())
    if (version === '') errors.push(required(`${at}.apiVersions[${i}]`));
  errors.push(...validateResources(rule.resources ?? [], `${at}.resources`));
  const scopes = ['*', 'Cluster', 'Namespaced'];
  if (rule.scope !== undefined && !scopes.includes(rule.scope))
    errors.push(notSupported(`${at}.scope`, rule.scope, scopes));
  return errors;
}

/** A wildcard may not stand beside what it covers. */
function validateResources(resources: readonly string[], field: string): FieldError[] {
  if (resources.length === 0) return [required(field)];
  const errors: FieldError[] = [];
  const allOfResource = new Set<string>();
  const allWithSubresource = new Set<string>();
  for (const [i, text] of resources.entries()) {
    if (text === '') errors.push(required(`${field}[${i}]`));
    const slash = text.indexOf('/');
    if (slash < 0) continue;
    const resource = text.slice(0, slash);
    const subresource = text.slice(slash + 1);
    if (allOfResource.has(resource))
      errors.push(invalid(`${field}[${i}]`, text, `if '${resource}/*' is present, must not specify ${text}`));
    if (allWithSubresource.has(subresource))
      errors.push(invalid(`${field}[${i}]`, text, `if '*/${subresource}' is present, must not specify ${text}`));
    if (subresource === '*') allOfResource.add(resource);
    if (resource === '*') allWithSubresource.add(subresource);
  }
  if (resources.length > 1 && resources.includes('*/*'))
    errors.push(invalid(field, resources, "if '*/*' is present, must not specify other resources"));
  if (resources.includes('*') && resources.some((r) => r !== '*' && r !== '' && !r.includes('/')))
    errors.push(invalid(field, resources, "if '*' is present, must not specify other resources without subresources"));
  return errors;
}

function validateMatchConditions({ matchConditions = [] }: Webhook, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (matchConditions.length > maxMatchConditions)
    errors.push(tooMany(field, matchConditions.length, maxMatchConditions));
  const names = new Set<string>();
  for (const [i, { name, expression }] of matchConditions.entries()) {
    if (!expression?.trim()) errors.push(required(`${field}[${i}].expression`));
    else {
      try {
        checkMatchCondition(expression.trim());
      } catch (error) {
        errors.push(invalid(`${field}[${i}].expression`, expression, messageOf(error)));
      }
    }
    if (!name) errors.push(required(`${field}[${i}].name`));
    else {
      errors.push(...isQualifiedName(name).map((why) => invalid(`${field}[${i}].name`, name, why)));
      if (names.has(name)) errors.push(duplicate(`${field}[${i}].name`, name));
      names.add(name);
    }
  }
  return errors;
}
