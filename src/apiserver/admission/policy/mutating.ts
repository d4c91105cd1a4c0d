/** MutatingAdmissionPolicy: expressions that give an apply configuration or a JSON patch for the object. */
import type { MutatingAdmissionPolicy as Policy } from '../../../apis/generated/types/admissionregistration.k8s.io/v1.ts';
import { messageOf } from '../../../base/errors.ts';
import { toJson } from '../../../machinery/cel/cel.ts';
import { mergeConfig } from '../../../machinery/managedfields/merge.ts';
import { deduced } from '../../../machinery/managedfields/shape.ts';
import type { KubeObject } from '../../../machinery/meta/object.ts';
import { applyJsonPatch } from '../../../machinery/patch/json-patch.ts';
import { cloneJson, jsonEqual } from '../../../machinery/patch/json-value.ts';
import { newForbidden } from '../../../machinery/status/errors.ts';
import { StatusError } from '../../../machinery/status/status.ts';
import type { Resource } from '../../registry/resource.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import { isExempt } from '../webhook/match.ts';
import { convertBetween, replaceContents } from '../webhook/versions.ts';
import { activationOf, Evaluator, policyBudget } from './expressions.ts';
import { matchedResource, type MatchResources, paramsOf, type PolicyBinding, PolicySource } from './match.ts';
import { conditionsHold } from './match-conditions.ts';
import type { PolicyDependencies } from './validating.ts';

export class MutatingAdmissionPolicy implements AdmissionPlugin {
  readonly name = 'MutatingAdmissionPolicy';
  readonly #deps: PolicyDependencies;
  readonly #source: PolicySource<Policy>;

  constructor(deps: PolicyDependencies) {
    this.#deps = deps;
    this.#source = new PolicySource<Policy>(deps, 'mutatingadmissionpolicies');
  }

  handles(): boolean {
    return this.#source.bound().length > 0;
  }

  async admit(attributes: Attributes): Promise<void> {
    if (isExempt(attributes) || !attributes.object || attributes.operation === 'CONNECT') return;
    for (const { policy, bindings } of this.#source.bound()) {
      if (attributes.reinvocation?.again && policy.spec?.reinvocationPolicy !== 'IfNeeded') continue;
      for (const binding of bindings) await this.#apply(policy, binding, attributes);
    }
  }

  async #apply(policy: Policy, binding: PolicyBinding, attributes: Attributes): Promise<void> {
    const spec = policy.spec ?? {};
    try {
      const matched = matchedResource(spec.matchConstraints as MatchResources | undefined, attributes, this.#deps);
      if (!matched || !matchedResource(binding.spec.matchResources, attributes, this.#deps)) return;
      for (const params of paramsOf(spec.paramKind, binding, attributes, this.#deps))
        await this.#mutate(policy, params, matched.resource, attributes);
    } catch (error) {
      if (spec.failurePolicy === 'Ignore') return;
      if (error instanceof StatusError) throw error;
      throw newForbidden(
        { group: attributes.group, resource: attributes.resource },
        attributes.name,
        `policy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: ${messageOf(error)}`,
      );
    }
  }

  async #mutate(
    policy: Policy,
    params: KubeObject | undefined,
    resource: Resource | undefined,
    attributes: Attributes,
  ): Promise<void> {
    const { served } = attributes;
    const own = served !== undefined && resource !== undefined && attributes.object!.kind === served.kind;
    const seen = async (object: KubeObject | undefined) =>
      object && own ? convertBetween(served, resource, object) : object;
    const oldObject = await seen(attributes.oldObject);
    let object = (await seen(attributes.object))!;
    const before = object;
    const evaluatorOf = () => {
      const subject = { attributes, object, oldObject };
      const evaluator = new Evaluator({ ...activationOf(subject, this.#deps), params: params ?? null }, policyBudget);
      for (const { name, expression } of policy.spec?.variables ?? []) evaluator.addVariable(name, expression);
      return evaluator;
    };
    if (!conditionsHold(policy.spec?.matchConditions ?? [], evaluatorOf())) return;
    for (const mutation of policy.spec?.mutations ?? []) {
      const evaluator = evaluatorOf();
      const expression = mutation.applyConfiguration?.expression ?? mutation.jsonPatch?.expression ?? '';
      const change = toJson(evaluator.evaluate(expression));
      const changed =
        mutation.patchType === 'JSONPatch'
          ? applyJsonPatch(object, change)
          : mergeConfig(cloneJson(object), checkedConfiguration(change), (own && resource.schema.shape) || deduced);
      object = own ? normalized(changed, resource) : (changed as KubeObject);
    }
    if (jsonEqual(before, object)) return;
    replaceContents(attributes.object!, own ? await convertBetween(resource, served, object) : object);
    attributes.reinvocation?.require();
  }
}

function normalized(value: unknown, resource: Resource): KubeObject {
  const { object } = resource.schema.normalize(cloneJson(value));
  object.apiVersion = resource.apiVersion;
  object.kind = resource.kind;
  object.metadata ??= {};
  resource.schema.applyDefaults(object);
  return object;
}

/** What an apply configuration may not change. */
function checkedConfiguration(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('the expression of an apply configuration must give an Object');
  const { metadata } = value as { metadata?: Record<string, unknown> };
  for (const field of ['name', 'generateName', 'namespace', 'uid', 'resourceVersion'])
    if (metadata?.[field] !== undefined) throw new Error(`may not mutate metadata.${field}`);
  return value;
}
