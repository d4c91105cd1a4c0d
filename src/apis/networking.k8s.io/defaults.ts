/** Conditional defaults of networking.k8s.io. */
import type { TypeDefaulters } from '../../machinery/schema/defaults.ts';
import type { NetworkPolicySpec } from '../generated/types/networking.k8s.io/v1.ts';

/** A policy is always about ingress, and about egress when it says something of it. */
function defaultNetworkPolicySpec(spec: NetworkPolicySpec): void {
  if (spec.policyTypes && spec.policyTypes.length > 0) return;
  spec.policyTypes = spec.egress && spec.egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
}

export const networkingDefaulters: TypeDefaulters = {
  'networking.k8s.io/v1/NetworkPolicySpec': defaultNetworkPolicySpec,
};
