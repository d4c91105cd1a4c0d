/** One question to one webhook, and what came of it. Shared by the mutating and the validating plugin. */
import type { Clock } from '../../../base/clock.ts';
import { messageOf } from '../../../base/errors.ts';
import { type Random, randomUuid } from '../../../base/random.ts';
import type { KubeObject } from '../../../machinery/meta/object.ts';
import { newBadRequest, newForbidden, newInternalError } from '../../../machinery/status/errors.ts';
import { StatusError } from '../../../machinery/status/status.ts';
import { WebhookCallError, type WebhookClient } from '../../outbound/webhook-client.ts';
import type { Attributes } from '../plugin.ts';
import { type Invocation, invocationOf, type MatchDependencies } from './match.ts';
import type { MatchConditions } from './match-conditions.ts';
import type { HookType, WebhookMetrics } from './metrics.ts';
import { deniedBy, encodeReview, readReview, type ReviewAnswer, type ReviewVersion } from './review.ts';
import { convertBetween } from './versions.ts';

export interface WebhookDependencies extends MatchDependencies {
  readonly client: WebhookClient;
  readonly random: Random;
  readonly clock: Clock;
  readonly metrics: WebhookMetrics;
  readonly matchConditions: MatchConditions;
  /** Told of failures that were ignored. */
  readonly onError?: (error: unknown, what: string) => void;
}

/** A webhook that could not be asked, or whose answer is none: its failure policy decides. */
export class HookCallFailure extends Error {
  readonly code: number;

  constructor(hook: string, why: string, code: number) {
    super(`failed calling webhook ${JSON.stringify(hook)}: ${why}`);
    this.name = 'HookCallFailure';
    this.code = code;
  }
}

/** The request's objects as this webhook sees them. */
export interface VersionedObjects {
  readonly object: KubeObject | undefined;
  readonly oldObject: KubeObject | undefined;
}

/** Whether and how a webhook is asked; undefined: it is not. Throws a StatusError. */
export async function prepare(
  hook: Invocation['hook'],
  attributes: Attributes,
  deps: WebhookDependencies,
): Promise<(Invocation & VersionedObjects) | undefined> {
  const invocation = invocationOf(hook, attributes, deps);
  if (invocation === undefined) return undefined;
  const objects = await versioned(invocation, attributes);
  if (hook.matchConditions.length > 0) {
    try {
      if (!deps.matchConditions(hook.matchConditions, { attributes, ...objects })) return undefined;
    } catch (error) {
      if (hook.failOpen) {
        deps.onError?.(error, `match conditions of webhook ${hook.name}`);
        return undefined;
      }
      throw newForbidden({ group: attributes.group, resource: attributes.resource }, attributes.name, messageOf(error));
    }
  }
  return { ...invocation, ...objects };
}

async function versioned({ resource }: Invocation, attributes: Attributes): Promise<VersionedObjects> {
  const { object, oldObject, served, kind } = attributes;
  if (served === undefined || resource === undefined || resource === served || kind !== served.kind)
    return { object, oldObject };
  return {
    object: object && (await convertBetween(served, resource, object)),
    oldObject: oldObject && (await convertBetween(served, resource, oldObject)),
  };
}

/** The answer of a webhook that allows. Throws HookCallFailure, or the StatusError of a refusal. */
export async function ask(
  { hook, resource, object, oldObject }: Invocation & VersionedObjects,
  attributes: Attributes,
  mutating: boolean,
  deps: WebhookDependencies,
): Promise<ReviewAnswer> {
  if (attributes.dryRun) {
    if (hook.dryRunnable === undefined) throw new HookCallFailure(hook.name, 'Webhook SideEffects is nil', 400);
    if (!hook.dryRunnable)
      throw newBadRequest(`admission webhook ${JSON.stringify(hook.name)} does not support dry run`);
  }
  const version = hook.reviewVersions.find((v): v is ReviewVersion => v === 'v1' || v === 'v1beta1');
  if (version === undefined)
    throw new HookCallFailure(
      hook.name,
      'could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)',
      400,
    );
  const uid = randomUuid(deps.random);
  const answer = await exchange(hook, { version, uid, attributes, resource, object, oldObject }, mutating, deps);
  const annotations = answer.auditAnnotations;
  for (const key of Object.keys(annotations)) annotate(attributes, `${hook.name}/${key}`, annotations[key]!);
  const { warnings } = attributes.context;
  for (const warning of answer.warnings) if (!warnings.includes(warning)) warnings.push(warning);
  if (!answer.allowed) throw deniedBy(hook.name, answer.status);
  return answer;
}

async function exchange(
  hook: Invocation['hook'],
  question: Parameters<typeof encodeReview>[0],
  mutating: boolean,
  { client }: WebhookDependencies,
): Promise<ReviewAnswer> {
  let raw: unknown;
  try {
    raw = await client.post({
      config: hook.clientConfig,
      body: encodeReview(question),
      timeoutMs: hook.timeoutMs,
      signal: question.attributes.context.request.signal,
    });
  } catch (error) {
    const code = error instanceof WebhookCallError ? error.code : 500;
    throw new HookCallFailure(hook.name, `failed to call webhook: ${messageOf(error)}`, code);
  }
  try {
    return readReview(raw, question.version, question.uid, mutating);
  } catch (error) {
    throw new HookCallFailure(hook.name, `received invalid webhook response: ${messageOf(error)}`, 503);
  }
}

export function annotate({ context }: Attributes, key: string, value: string): void {
  context.auditAnnotations ??= {};
  context.auditAnnotations[key] ??= value;
}

/**
 * Counts what came of a call. Returns the error for the client; undefined when there is none, or when it is a failure
 * that the webhook's policy ignores (`failedOpen` is called then).
 */
export function settle(
  call: { readonly invocation: Invocation; readonly type: HookType; readonly startedMs: number },
  attributes: Attributes,
  error: unknown,
  deps: WebhookDependencies,
  failedOpen: () => void,
): StatusError | undefined {
  const { hook } = call.invocation;
  const { metrics, clock } = deps;
  const { operation } = attributes;
  const took = clock.monotonicMs() - call.startedMs;
  const counted = (code: number, rejected: boolean) =>
    metrics.called(hook.name, call.type, operation, code, rejected, took);
  if (error === undefined) {
    counted(200, false);
    return undefined;
  }
  if (error instanceof HookCallFailure) {
    counted(error.code, !hook.failOpen);
    if (hook.failOpen) {
      metrics.failedOpen(hook.name, call.type);
      deps.onError?.(error, 'failing open');
      failedOpen();
      return undefined;
    }
    metrics.rejected(hook.name, call.type, operation, 'calling_webhook_error', error.code);
    return newInternalError(error.message);
  }
  const known = error instanceof StatusError ? error : newInternalError(messageOf(error));
  const refused = known.status.message?.startsWith('admission webhook ') === true;
  counted(refused ? known.code : 0, true);
  metrics.rejected(
    hook.name,
    call.type,
    operation,
    refused ? 'no_error' : 'apiserver_internal_error',
    refused ? known.code : 0,
  );
  return known;
}
