/** Ingresses that name no class, in the field or the old annotation, get the default one. */
import type { Ingress, IngressClass } from '../../../apis/generated/types/networking.k8s.io/v1.ts';
import type { Lookup } from '../../registry/registry.ts';
import { defaultClassOf } from '../default-class.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';

const annotation = 'ingressclass.kubernetes.io/is-default-class';
const classAnnotation = 'kubernetes.io/ingress.class';

export class DefaultIngressClass implements AdmissionPlugin {
  readonly name = 'DefaultIngressClass';
  readonly #lookup: () => Lookup;

  constructor(lookup: () => Lookup) {
    this.#lookup = lookup;
  }

  handles(operation: Attributes['operation']): boolean {
    return operation === 'CREATE';
  }

  admit(attributes: Attributes): void {
    if (attributes.group !== 'networking.k8s.io' || attributes.resource !== 'ingresses') return;
    if (attributes.subresource !== '') return;
    const ingress = attributes.object as Ingress;
    if (ingress.spec?.ingressClassName !== undefined) return;
    if (ingress.metadata.annotations?.[classAnnotation] !== undefined) return;
    const found = defaultClassOf(this.#lookup().list<IngressClass>('networking.k8s.io', 'ingressclasses'), annotation);
    if (!found?.metadata.name) return;
    ingress.spec ??= {};
    ingress.spec.ingressClassName = found.metadata.name;
  }
}
