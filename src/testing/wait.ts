/** Waiting for a state of the cluster: by watch, never by polling. */
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { ResourceClient } from '../client/client.ts';
import { Informer } from '../client/informer.ts';
import type { DeepReadonly, KubeObject } from '../machinery/meta/object.ts';

export interface WaitOptions {
  /** Real time after which it fails and shows what it saw last. Default 10,000. */
  readonly timeoutMs?: number;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly signal?: AbortSignal;
  /** Look with every single change. Default: once for changes that come together, which thousands of objects need. */
  readonly everyChange?: boolean;
  /** For the message of a failure: what was waited for. */
  readonly what?: string;
}

/** Objects in the message of a failure. */
const maxShown = 20;

/**
 * Resolves with the objects (all of the client's resource and namespace) as soon as `predicate` is true of them, looking
 * again after changes. The time-out is one of real time, also under a fake clock: it ends a test that waits in vain.
 */
export async function waitFor<T extends KubeObject>(
  client: ResourceClient<T>,
  predicate: (objects: readonly DeepReadonly<T>[]) => boolean,
  platform: { readonly clock: Clock; readonly random: Random },
  options: WaitOptions = {},
): Promise<readonly DeepReadonly<T>[]> {
  const { timeoutMs = 10_000, labelSelector, fieldSelector, signal } = options;
  const informer = new Informer<T>({
    client,
    clock: platform.clock,
    random: platform.random,
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  });
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    return await new Promise((resolve, reject) => {
      const look = () => {
        if (!informer.hasSynced) return;
        try {
          const objects = informer.list();
          if (predicate(objects)) resolve(objects);
        } catch (error) {
          reject(error);
        }
      };
      let isWaiting = false;
      const changed = () => {
        if (options.everyChange) look();
        else if (!isWaiting) {
          isWaiting = true;
          platform.clock.defer(() => {
            isWaiting = false;
            look();
          });
        }
      };
      informer.addHandlers({ onAdd: changed, onUpdate: changed, onDelete: changed });
      onAbort = () => reject(signal!.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      timer = setTimeout(() => {
        const what = options.what ?? `a state of ${client.resource.resource}`;
        const all = informer.list();
        const seen = all.slice(0, maxShown).map(summary).join('\n  ') || 'nothing';
        const more = all.length > maxShown ? `\n  and ${all.length - maxShown} more` : '';
        reject(new Error(`waiting for ${what}: not reached in ${timeoutMs} ms; seen last:\n  ${seen}${more}`));
      }, timeoutMs);
      informer.start();
      informer.whenSynced().then(look, reject);
    });
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
    await informer.stop();
  }
}

/** An object in one line, for a failing test. */
function summary(object: DeepReadonly<KubeObject>): string {
  const { status } = object as { status?: unknown };
  const { namespace, name, deletionTimestamp } = object.metadata;
  const text = JSON.stringify(status ?? {});
  return `${namespace ? `${namespace}/` : ''}${name}${deletionTimestamp ? ' (deleting)' : ''} ${text.slice(0, 300)}`;
}
