import type * as node from '../../apis/generated/types/node.k8s.io/v1.ts';
import type { Client } from '../../client/client.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import type { Pod } from '../types.ts';

/** Which of the runtime's handlers a pod's sandbox is made by: asked for when one is made, which is rarely by another. */
export class RuntimeClasses {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** '' for pods without a class: the runtime's own default. Throws in upstream's words when there is no such class. */
  async handler(pod: Pod): Promise<string> {
    const name = pod.spec?.runtimeClassName;
    if (!name) return '';
    const group = { group: 'node.k8s.io', version: 'v1', resource: 'runtimeclasses' };
    try {
      return (await this.#client.resource<node.RuntimeClass>(group).get(name)).handler;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new Error(`failed to get sandbox runtime: RuntimeClass.node.k8s.io "${name}" not found`);
    }
  }
}
