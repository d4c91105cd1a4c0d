/** The webhooks of all configurations of one kind, in the order that they are asked in. */
import type {
  MatchCondition,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../../../apis/generated/types/admissionregistration.k8s.io/v1.ts';
import { type LabelSelector, selectorFromObject } from '../../../machinery/selectors/labels.ts';
import type { WebhookClientConfig } from '../../outbound/webhook-client.ts';
import type { Lookup } from '../../registry/registry.ts';
import type { Rule } from './rules.ts';

export interface Hook {
  readonly name: string;
  readonly configuration: string;
  /** Of the whole cluster: configuration, name, and which of those of that name. */
  readonly id: string;
  readonly clientConfig: WebhookClientConfig;
  readonly rules: readonly Rule[];
  readonly failOpen: boolean;
  readonly equivalent: boolean;
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
  /** Whether it may be asked about dry runs; undefined: it does not say. */
  readonly dryRunnable: boolean | undefined;
  readonly timeoutMs: number;
  readonly reviewVersions: readonly string[];
  readonly reinvocable: boolean;
  readonly matchConditions: readonly MatchCondition[];
}

const group = 'admissionregistration.k8s.io';
const defaultTimeoutSeconds = 10;

/**
 * Follows the configurations in the watch cache: what a client has been told is written counts for its next request.
 * Sorted by configuration name, within one as written.
 */
export class HookSource {
  readonly #lookup: () => Lookup;
  readonly #resource: 'mutatingwebhookconfigurations' | 'validatingwebhookconfigurations';
  #hooks: readonly Hook[] | undefined;
  #following = false;

  constructor(lookup: () => Lookup, resource: 'mutatingwebhookconfigurations' | 'validatingwebhookconfigurations') {
    this.#lookup = lookup;
    this.#resource = resource;
  }

  hooks(): readonly Hook[] {
    if (this.#hooks !== undefined) return this.#hooks;
    const lookup = this.#lookup();
    if (!this.#following) {
      this.#following = true;
      lookup.subscribe(group, this.#resource, () => {
        this.#hooks = undefined;
      });
    }
    const configurations = [
      ...lookup.list<MutatingWebhookConfiguration & ValidatingWebhookConfiguration>(group, this.#resource),
    ].sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1));
    this.#hooks = configurations.flatMap((configuration) => hooksOf(configuration));
    return this.#hooks;
  }
}

export function hooksOf(configuration: {
  readonly metadata: { readonly name?: string };
  readonly webhooks?: readonly (MutatingWebhook | ValidatingWebhook)[];
}): Hook[] {
  const seen = new Map<string, number>();
  return (configuration.webhooks ?? []).map((webhook) => {
    const { name } = webhook;
    const nth = seen.get(name) ?? 0;
    seen.set(name, nth + 1);
    return {
      name,
      configuration: configuration.metadata.name!,
      id: `${configuration.metadata.name}/${name}/${nth}`,
      clientConfig: webhook.clientConfig as WebhookClientConfig,
      rules: (webhook.rules ?? []) as Rule[],
      failOpen: webhook.failurePolicy === 'Ignore',
      equivalent: webhook.matchPolicy !== 'Exact',
      namespaceSelector: selectorFromObject((webhook.namespaceSelector ?? {}) as never),
      objectSelector: selectorFromObject((webhook.objectSelector ?? {}) as never),
      dryRunnable:
        webhook.sideEffects === undefined
          ? undefined
          : webhook.sideEffects === 'None' || webhook.sideEffects === 'NoneOnDryRun',
      timeoutMs: (webhook.timeoutSeconds ?? defaultTimeoutSeconds) * 1000,
      reviewVersions: webhook.admissionReviewVersions ?? [],
      reinvocable: (webhook as MutatingWebhook).reinvocationPolicy === 'IfNeeded',
      matchConditions: webhook.matchConditions ?? [],
    };
  });
}
