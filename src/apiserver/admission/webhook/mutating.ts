/**
 * MutatingAdmissionWebhook: asks the matching webhooks one after the other, each about the object as the one before left
 * it. A webhook that changed something makes the chain go round once more; then those webhooks are asked again that wish
 * so and whose object has changed since they saw it.
 */
import { messageOf } from '../../../base/errors.ts';
import { parseJson } from '../../../machinery/codec/json.ts';
import type { KubeObject } from '../../../machinery/meta/object.ts';
import { applyJsonPatch } from '../../../machinery/patch/json-patch.ts';
import { cloneJson, jsonEqual } from '../../../machinery/patch/json-value.ts';
import { newInternalError } from '../../../machinery/status/errors.ts';
import type { Lookup } from '../../registry/registry.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import {
  annotate,
  ask,
  HookCallFailure,
  prepare,
  settle,
  type VersionedObjects,
  type WebhookDependencies,
} from './call.ts';
import { HookSource } from './hook.ts';
import { type Invocation, isExempt } from './match.ts';
import type { ReviewAnswer } from './review.ts';
import { convertBetween, replaceContents } from './versions.ts';

export const mutatingWebhookName = 'MutatingAdmissionWebhook';

/** Ids of webhooks. */
interface Rounds {
  /** Asked so far, and willing to be asked again. */
  readonly asked: Set<string>;
  /** To be asked again. */
  readonly pending: Set<string>;
  /** The object as the plugin left it. */
  left: KubeObject | undefined;
}

export class MutatingAdmissionWebhook implements AdmissionPlugin {
  readonly name = mutatingWebhookName;
  readonly #deps: WebhookDependencies;
  readonly #source: HookSource;

  constructor(deps: WebhookDependencies) {
    this.#deps = deps;
    this.#source = new HookSource((): Lookup => deps.lookup(), 'mutatingwebhookconfigurations');
  }

  handles(): boolean {
    return this.#source.hooks().length > 0;
  }

  async admit(attributes: Attributes): Promise<void> {
    if (isExempt(attributes)) return;
    const { reinvocation } = attributes;
    const rounds = reinvocation?.state<Rounds>(this.name, () => ({
      asked: new Set(),
      pending: new Set(),
      left: undefined,
    }));
    const again = reinvocation?.again === true;
    if (again && rounds && attributes.object && !jsonEqual(rounds.left, attributes.object)) requireAll(rounds);
    for (const [index, hook] of this.#source.hooks().entries()) {
      if (again && !rounds?.pending.has(hook.id)) continue;
      const prepared = await prepare(hook, attributes, this.#deps);
      if (prepared === undefined) continue;
      const changed = await this.#call(prepared, attributes, `round_${again ? 1 : 0}_index_${index}`);
      rounds?.pending.delete(hook.id);
      if (changed && rounds) {
        requireAll(rounds);
        reinvocation?.require();
      }
      if (hook.reinvocable) rounds?.asked.add(hook.id);
    }
    if (rounds) rounds.left = attributes.object && cloneJson(attributes.object);
  }

  /** Whether the object is another now. */
  async #call(prepared: Invocation & VersionedObjects, attributes: Attributes, place: string): Promise<boolean> {
    const { hook } = prepared;
    const startedMs = this.#deps.clock.monotonicMs();
    let changed = false;
    let failure: unknown;
    try {
      const answer = await ask(prepared, attributes, true, this.#deps);
      changed = await applyAnswer(answer, prepared, attributes, place);
    } catch (error) {
      failure = error;
    }
    const about = { configuration: hook.configuration, webhook: hook.name };
    annotate(attributes, `mutation.webhook.admission.k8s.io/${place}`, JSON.stringify({ ...about, mutated: changed }));
    const refusal = settle({ invocation: prepared, type: 'admit', startedMs }, attributes, failure, this.#deps, () =>
      annotate(attributes, `failed-open.mutation.webhook.admission.k8s.io/${place}`, hook.name),
    );
    if (refusal !== undefined) throw refusal;
    return changed;
  }
}

function requireAll({ asked, pending }: Rounds): void {
  for (const id of asked) pending.add(id);
  asked.clear();
}

async function applyAnswer(
  { patch: text, patchType }: ReviewAnswer,
  { hook, resource, object }: Invocation & VersionedObjects,
  attributes: Attributes,
  place: string,
): Promise<boolean> {
  if (text === '') return false;
  const patch = decodePatch(text, hook.name);
  if (patch.length === 0) return false;
  if (object === undefined || attributes.object === undefined)
    throw newInternalError(
      `admission webhook ${JSON.stringify(hook.name)} attempted to modify the object, which is not supported for this operation`,
    );
  if (patchType !== 'JSONPatch') throw new HookCallFailure(hook.name, `unsupported patch type "${patchType}"`, 400);
  let patched: KubeObject;
  try {
    patched = applyJsonPatch(object, patch) as KubeObject;
    // What sub-resources carry (Binding, Scale) is checked by their handlers.
    if (resource !== undefined && object.kind === resource.kind) {
      patched = resource.schema.normalize(patched).object;
      patched.metadata ??= {};
      resource.schema.applyDefaults(patched);
    }
  } catch (error) {
    throw newInternalError(messageOf((error as Error).cause ?? error));
  }
  const changed = !jsonEqual(object, patched);
  const { served } = attributes;
  const own =
    served && resource && object.kind === resource.kind ? await convertBetween(resource, served, patched) : patched;
  replaceContents(attributes.object, own);
  annotate(
    attributes,
    `patch.webhook.admission.k8s.io/${place}`,
    JSON.stringify({ configuration: hook.configuration, webhook: hook.name, patch, patchType }),
  );
  return changed;
}

function decodePatch(base64: string, hook: string): readonly unknown[] {
  try {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const patch = parseJson(bytes).value;
    if (!Array.isArray(patch)) throw new Error('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
    return patch;
  } catch (error) {
    throw new HookCallFailure(hook, `received undecodable patch in webhook response: ${messageOf(error)}`, 503);
  }
}
