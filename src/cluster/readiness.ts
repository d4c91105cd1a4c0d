/** What `ready` means: every node Ready and the default ServiceAccount there. Followed by watches, never polled. */
import type { Node, ServiceAccount } from '../apis/generated/types/core/v1.ts';
import type { Informer } from '../client/informer.ts';
import type { InformerFactory } from '../client/informers.ts';
import type { DeepReadonly, KubeObject } from '../machinery/meta/object.ts';

export const isReady = (node: DeepReadonly<Node>): boolean =>
  node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;

/** Resolves when both hold; rejects when `signal` is aborted. `missing` is told what is waited for, as it changes. */
export async function whenReady(informers: InformerFactory, nodes: number, signal: AbortSignal): Promise<void> {
  const allNodes = informers.informer<Node>({ group: '', version: 'v1', resource: 'nodes' });
  const accounts = informers.informer<ServiceAccount>({ group: '', version: 'v1', resource: 'serviceaccounts' });
  await Promise.all([
    until(allNodes, () => allNodes.list().filter(isReady).length >= nodes, signal),
    until(accounts, () => accounts.get('default/default') !== undefined, signal),
  ]);
}

/** Resolves when `holds`, asked after every change of the informer's copy. */
export function until<T extends KubeObject>(
  informer: Informer<T>,
  holds: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  informer.start();
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      remove?.();
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = () => end(() => reject(signal.reason));
    let finished = false;
    const check = () => {
      if (finished || !holds()) return;
      finished = true;
      // The handlers' own registration may still be under way: what removes them is known only after it.
      queueMicrotask(() => end(resolve));
    };
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const remove: (() => void) | undefined = informer.addHandlers({ onAdd: check, onUpdate: check, onDelete: check });
    check();
  });
}
