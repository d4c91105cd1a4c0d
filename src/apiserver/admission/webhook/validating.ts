/** ValidatingAdmissionWebhook: asks all matching webhooks at once. The first refusal, in their order, is the client's. */
import type { Lookup } from '../../registry/registry.ts';
import type { StatusError } from '../../../machinery/status/status.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import { annotate, ask, prepare, settle, type VersionedObjects, type WebhookDependencies } from './call.ts';
import { HookSource } from './hook.ts';
import { type Invocation, isExempt } from './match.ts';

export const validatingWebhookName = 'ValidatingAdmissionWebhook';

export class ValidatingAdmissionWebhook implements AdmissionPlugin {
  readonly name = validatingWebhookName;
  readonly #deps: WebhookDependencies;
  readonly #source: HookSource;

  constructor(deps: WebhookDependencies) {
    this.#deps = deps;
    this.#source = new HookSource((): Lookup => deps.lookup(), 'validatingwebhookconfigurations');
  }

  handles(): boolean {
    return this.#source.hooks().length > 0;
  }

  async validate(attributes: Attributes): Promise<void> {
    if (isExempt(attributes)) return;
    const relevant: (Invocation & VersionedObjects)[] = [];
    for (const hook of this.#source.hooks()) {
      const prepared = await prepare(hook, attributes, this.#deps);
      if (prepared !== undefined) relevant.push(prepared);
    }
    const refusals = await Promise.all(
      relevant.map((prepared, index) => this.#call(prepared, attributes, `round_0_index_${index}`)),
    );
    const refusal = refusals.find((r) => r !== undefined);
    if (refusal !== undefined) throw refusal;
  }

  async #call(
    prepared: Invocation & VersionedObjects,
    attributes: Attributes,
    place: string,
  ): Promise<StatusError | undefined> {
    const startedMs = this.#deps.clock.monotonicMs();
    let failure: unknown;
    try {
      await ask(prepared, attributes, false, this.#deps);
    } catch (error) {
      failure = error;
    }
    return settle({ invocation: prepared, type: 'validating', startedMs }, attributes, failure, this.#deps, () =>
      annotate(attributes, `failed-open.validating.webhook.admission.k8s.io/${place}`, prepared.hook.name),
    );
  }
}
