/** All admission plugins, in the order that upstream runs them in. */
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { Lookup } from '../registry/registry.ts';
import {
  CertificateApproval,
  CertificateSigning,
  CertificateSubjectRestriction,
  ClusterTrustBundleAttest,
} from './certificates/plugins.ts';
import { DefaultIngressClass } from './default-ingress-class/plugin.ts';
import { DefaultStorageClass } from './default-storage-class/plugin.ts';
import { DefaultTolerationSeconds } from './default-toleration-seconds/plugin.ts';
import { LimitRanger } from './limit-ranger/plugin.ts';
import { NamespaceLifecycle } from './namespace-lifecycle/plugin.ts';
import { NodeRestriction } from './node-restriction/plugin.ts';
import { PersistentVolumeClaimResize } from './persistent-volume-claim-resize/plugin.ts';
import type { AdmissionPlugin } from './plugin.ts';
import { MutatingAdmissionPolicy } from './policy/mutating.ts';
import { ValidatingAdmissionPolicy } from './policy/validating.ts';
import { PodSecurity } from './pod-security/plugin.ts';
import { Priority } from './priority/plugin.ts';
import { type QuotaStore, ResourceQuotaAdmission } from './resource-quota/plugin.ts';
import { RuntimeClassAdmission } from './runtime-class/plugin.ts';
import { ServiceAccountAdmission } from './service-account/plugin.ts';
import { StorageObjectInUseProtection } from './storage-object-in-use-protection/plugin.ts';
import { TaintNodesByCondition } from './taint-nodes-by-condition/plugin.ts';
import type { WebhookDependencies } from './webhook/call.ts';
import { MutatingAdmissionWebhook } from './webhook/mutating.ts';
import { ValidatingAdmissionWebhook } from './webhook/validating.ts';

export interface AdmissionDependencies {
  /** Asked only when a request comes: the registry that plugins look into is itself made with them. */
  readonly lookup: () => Lookup;
  readonly random: Random;
  readonly clock: Clock;
  readonly webhooks: WebhookDependencies;
  readonly quotas: QuotaStore;
  readonly authorizer: () => Authorizer;
}

interface Entry {
  readonly name: string;
  readonly onByDefault: boolean;
  make(dependencies: AdmissionDependencies): AdmissionPlugin;
}

const policyOf = ({ webhooks, authorizer }: AdmissionDependencies) => ({
  lookup: webhooks.lookup,
  resources: webhooks.resources,
  authorizer,
});

const order: readonly Entry[] = [
  { name: 'NamespaceLifecycle', onByDefault: true, make: (d) => new NamespaceLifecycle(d.lookup) },
  { name: 'LimitRanger', onByDefault: true, make: (d) => new LimitRanger(d.lookup) },
  { name: 'ServiceAccount', onByDefault: true, make: (d) => new ServiceAccountAdmission(d.lookup, d.random, d.clock) },
  // On here because `up` runs kubelets with credentials of their own.
  { name: 'NodeRestriction', onByDefault: true, make: (d) => new NodeRestriction(d.lookup) },
  { name: 'TaintNodesByCondition', onByDefault: true, make: () => new TaintNodesByCondition() },
  { name: 'PodSecurity', onByDefault: true, make: (d) => new PodSecurity(d.lookup) },
  { name: 'Priority', onByDefault: true, make: (d) => new Priority(d.lookup) },
  { name: 'DefaultTolerationSeconds', onByDefault: true, make: () => new DefaultTolerationSeconds() },
  { name: 'DefaultStorageClass', onByDefault: true, make: (d) => new DefaultStorageClass(d.lookup) },
  { name: 'StorageObjectInUseProtection', onByDefault: true, make: () => new StorageObjectInUseProtection() },
  { name: 'PersistentVolumeClaimResize', onByDefault: true, make: (d) => new PersistentVolumeClaimResize(d.lookup) },
  { name: 'RuntimeClass', onByDefault: true, make: (d) => new RuntimeClassAdmission(d.lookup) },
  { name: 'CertificateApproval', onByDefault: true, make: (d) => new CertificateApproval(d.authorizer) },
  { name: 'CertificateSigning', onByDefault: true, make: (d) => new CertificateSigning(d.authorizer) },
  { name: 'ClusterTrustBundleAttest', onByDefault: true, make: (d) => new ClusterTrustBundleAttest(d.authorizer) },
  { name: 'CertificateSubjectRestriction', onByDefault: true, make: () => new CertificateSubjectRestriction() },
  { name: 'DefaultIngressClass', onByDefault: true, make: (d) => new DefaultIngressClass(d.lookup) },
  { name: 'MutatingAdmissionPolicy', onByDefault: true, make: (d) => new MutatingAdmissionPolicy(policyOf(d)) },
  { name: 'MutatingAdmissionWebhook', onByDefault: true, make: (d) => new MutatingAdmissionWebhook(d.webhooks) },
  { name: 'ValidatingAdmissionPolicy', onByDefault: true, make: (d) => new ValidatingAdmissionPolicy(policyOf(d)) },
  { name: 'ValidatingAdmissionWebhook', onByDefault: true, make: (d) => new ValidatingAdmissionWebhook(d.webhooks) },
  { name: 'ResourceQuota', onByDefault: true, make: (d) => new ResourceQuotaAdmission(d.lookup, d.quotas, d.clock) },
];

export interface AdmissionSelection {
  /** --enable-admission-plugins: besides those on by default. */
  readonly enable?: readonly string[];
  /** --disable-admission-plugins. */
  readonly disable?: readonly string[];
}

export const admissionPluginNames: readonly string[] = order.map((entry) => entry.name);

/** Throws for a name that is no plugin of ours, or that is both enabled and disabled. */
export function admissionPlugins(
  dependencies: AdmissionDependencies,
  { enable = [], disable = [] }: AdmissionSelection = {},
): AdmissionPlugin[] {
  for (const name of [...enable, ...disable])
    if (!admissionPluginNames.includes(name))
      throw new Error(`unknown admission plugin "${name}"; known: ${admissionPluginNames.join(', ')}`);
  for (const name of enable)
    if (disable.includes(name)) throw new Error(`admission plugin "${name}" is both enabled and disabled`);
  return order
    .filter((entry) => (entry.onByDefault || enable.includes(entry.name)) && !disable.includes(entry.name))
    .map((entry) => entry.make(dependencies));
}
