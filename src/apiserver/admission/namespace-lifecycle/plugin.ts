/** Nothing is made in a namespace that does not exist or is going; three namespaces never go. */
import type { Namespace } from '../../../apis/generated/types/core/v1.ts';
import { newNotFound } from '../../../machinery/status/errors.ts';
import type { Lookup } from '../../registry/registry.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import { refuse } from '../refuse.ts';

const immortal = new Set(['default', 'kube-system', 'kube-public']);

export class NamespaceLifecycle implements AdmissionPlugin {
  readonly name = 'NamespaceLifecycle';
  readonly #lookup: () => Lookup;

  constructor(lookup: () => Lookup) {
    this.#lookup = lookup;
  }

  handles(operation: Attributes['operation']): boolean {
    return operation !== 'CONNECT';
  }

  admit(attributes: Attributes): void {
    const { group, resource, operation, namespace } = attributes;
    if (group === '' && resource === 'namespaces') {
      if (operation === 'DELETE' && immortal.has(attributes.name))
        throw refuse(attributes, 'this namespace may not be deleted');
      return;
    }
    if (namespace === '' || operation === 'DELETE') return;
    // Asking what one may do in a namespace must not tell whether it exists.
    if (group === 'authorization.k8s.io' && resource === 'localsubjectaccessreviews') return;
    const found = this.#lookup().get<Namespace>('', 'namespaces', '', namespace);
    if (found === undefined) throw newNotFound({ group: '', resource: 'namespaces' }, namespace);
    if (operation === 'CREATE' && found.status?.phase === 'Terminating')
      throw refuse(
        attributes,
        `unable to create new content in namespace ${namespace} because it is being terminated`,
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      );
  }
}
