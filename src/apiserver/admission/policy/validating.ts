/** ValidatingAdmissionPolicy: expressions that every matching request must satisfy. */
import type { ValidatingAdmissionPolicy as Policy } from '../../../apis/generated/types/admissionregistration.k8s.io/v1.ts';
import { messageOf } from '../../../base/errors.ts';
import type { KubeObject } from '../../../machinery/meta/object.ts';
import { newForbidden } from '../../../machinery/status/errors.ts';
import { failure, StatusError, type StatusReason } from '../../../machinery/status/status.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import { annotate } from '../webhook/call.ts';
import { isExempt, type MatchDependencies } from '../webhook/match.ts';
import { convertBetween } from '../webhook/versions.ts';
import { activationOf, Evaluator, type ExpressionDependencies, policyBudget } from './expressions.ts';
import { matchedResource, type MatchResources, paramsOf, type PolicyBinding, PolicySource } from './match.ts';
import { conditionsHold } from './match-conditions.ts';

export type PolicyDependencies = MatchDependencies & ExpressionDependencies;

/** What came of one expression. */
interface Verdict {
  readonly message: string;
  readonly reason: string;
  /** It could not be evaluated; the failure policy is to fail. */
  readonly failed: boolean;
}

const codes: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
  Invalid: 422,
};

export class ValidatingAdmissionPolicy implements AdmissionPlugin {
  readonly name = 'ValidatingAdmissionPolicy';
  readonly #deps: PolicyDependencies;
  readonly #source: PolicySource<Policy>;

  constructor(deps: PolicyDependencies) {
    this.#deps = deps;
    this.#source = new PolicySource<Policy>(deps, 'validatingadmissionpolicies');
  }

  handles(): boolean {
    return this.#source.bound().length > 0;
  }

  async validate(attributes: Attributes): Promise<void> {
    if (isExempt(attributes)) return;
    let refusal: StatusError | undefined;
    for (const { policy, bindings } of this.#source.bound())
      for (const binding of bindings) refusal = (await this.#check(policy, binding, attributes)) ?? refusal;
    if (refusal) throw refusal;
  }

  /** The refusal of one policy with one binding. */
  async #check(policy: Policy, binding: PolicyBinding, attributes: Attributes): Promise<StatusError | undefined> {
    const spec = policy.spec ?? {};
    const failOpen = spec.failurePolicy === 'Ignore';
    let refusal: StatusError | undefined;
    try {
      const matched = matchedResource(spec.matchConstraints as MatchResources | undefined, attributes, this.#deps);
      if (!matched || !matchedResource(binding.spec.matchResources, attributes, this.#deps)) return undefined;
      const { served } = attributes;
      const converted = async (object: KubeObject | undefined) =>
        object && served && matched.resource && object.kind === served.kind
          ? convertBetween(served, matched.resource, object)
          : object;
      const subject = {
        attributes,
        object: await converted(attributes.object),
        oldObject: await converted(attributes.oldObject),
      };
      for (const params of paramsOf(spec.paramKind, binding, attributes, this.#deps)) {
        const evaluator = new Evaluator({ ...activationOf(subject, this.#deps), params: params ?? null }, policyBudget);
        const verdicts = verdictsOf(policy, evaluator, attributes, failOpen);
        refusal = this.#act(policy, binding, verdicts, attributes) ?? refusal;
      }
    } catch (error) {
      if (failOpen) return undefined;
      if (error instanceof StatusError) throw error;
      return this.#act(policy, binding, [{ message: messageOf(error), reason: 'Invalid', failed: true }], attributes);
    }
    return refusal;
  }

  #act(
    policy: Policy,
    binding: PolicyBinding,
    verdicts: readonly Verdict[],
    attributes: Attributes,
  ): StatusError | undefined {
    const actions = binding.spec.validationActions ?? [];
    const where = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}'`;
    let refusal: StatusError | undefined;
    for (const { message, reason, failed } of verdicts) {
      // What could not be evaluated is denied, whatever the actions.
      if (failed || actions.includes('Deny'))
        refusal ??= denial(attributes, `${where} denied request: ${message}`, reason);
      if (!failed && actions.includes('Warn')) {
        const warning = `Validation failed for ${where}: ${message}`;
        const { warnings } = attributes.context;
        if (!warnings.includes(warning)) warnings.push(warning);
      }
      if (!failed && actions.includes('Audit'))
        annotate(
          attributes,
          'validation.policy.admission.k8s.io/validation_failure',
          JSON.stringify([
            { message, policy: policy.metadata.name, binding: binding.metadata.name, validationActions: actions },
          ]),
        );
    }
    return refusal;
  }
}

function verdictsOf(policy: Policy, evaluator: Evaluator, attributes: Attributes, failOpen: boolean): Verdict[] {
  const spec = policy.spec ?? {};
  for (const { name, expression } of spec.variables ?? []) evaluator.addVariable(name, expression);
  if (!conditionsHold(spec.matchConditions ?? [], evaluator)) return [];
  const verdicts: Verdict[] = [];
  for (const { expression, message, messageExpression, reason = 'Invalid' } of spec.validations ?? []) {
    try {
      if (evaluator.evaluate(expression) === true) continue;
      const own = messageExpression === undefined ? undefined : messageOfExpression(messageExpression, evaluator);
      verdicts.push({
        message: own || message?.trim() || `failed expression: ${expression.trim()}`,
        reason,
        failed: false,
      });
    } catch (error) {
      if (!failOpen)
        verdicts.push({
          message: `expression '${expression}' resulted in error: ${messageOf(error)}`,
          reason: 'Invalid',
          failed: true,
        });
    }
  }
  for (const { key, valueExpression } of spec.auditAnnotations ?? []) {
    const value = evaluator.evaluate(valueExpression);
    if (typeof value === 'string' && value.trim() !== '')
      annotate(attributes, `${policy.metadata.name}/${key}`, value.trim());
  }
  return verdicts;
}

/** Undefined when it gives no text of one line. */
function messageOfExpression(expression: string, evaluator: Evaluator): string | undefined {
  try {
    const value = evaluator.evaluate(expression);
    const text = typeof value === 'string' ? value.trim() : '';
    return text === '' || /[\n\r]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function denial(attributes: Attributes, message: string, reason: string): StatusError {
  const error = newForbidden({ group: attributes.group, resource: attributes.resource }, attributes.name, message);
  return failure(codes[reason] ?? 422, reason as StatusReason, error.message, {
    ...error.status.details,
    causes: [{ message }],
  });
}
