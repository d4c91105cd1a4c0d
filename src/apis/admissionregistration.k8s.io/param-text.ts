import { unset } from '../common/columns.ts';
import type { ParamRef } from '../generated/types/admissionregistration.k8s.io/v1.ts';

/** `namespace/name` of a binding's parameters, `*` for any namespace; their selector where they have no name. */
export function paramText(reference: ParamRef | undefined): string {
  if (!reference) return unset;
  if (reference.name) return `${reference.namespace || '*'}/${reference.name}`;
  return reference.selector ? JSON.stringify(reference.selector) : unset;
}
