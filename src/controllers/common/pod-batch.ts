/** Making and removing the pods of one owner, with the expectations that keep its next look from doing it twice. */
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import { messageOf } from '../../base/errors.ts';
import type { ResourceClient } from '../../client/client.ts';
import type { EventRecorder, EventSubject } from '../../client/events.ts';
import type { Expectations } from '../../client/expectations.ts';
import { keyOf } from '../../client/reflector.ts';
import { slowStartBatch } from '../../client/slow-start.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { isNotFound, statusCause } from '../../machinery/status/is.ts';

export interface PodBatch {
  /** The owner's key in the queue and in `expectations`. */
  readonly key: string;
  /** What the Events are about. */
  readonly owner: EventSubject;
  readonly client: ResourceClient<Pod>;
  readonly expectations: Expectations;
  readonly recorder: EventRecorder;
  /** How many to make, and the pod for each. */
  readonly creations: number;
  readonly podOf: (index: number) => Pod;
  readonly remove: readonly DeepReadonly<Pod>[];
}

/** Creates in slow start, then deletes all at once. Rejects with the first failure, after all was tried or given up. */
export async function applyPodBatch(batch: PodBatch): Promise<void> {
  const { key, owner, client, expectations, recorder, creations, remove } = batch;
  expectations.expect(key, creations, remove.map(keyOf));
  let attempted = 0;
  const made = await slowStartBatch(creations, async (i) => {
    attempted++;
    try {
      const pod = await client.create(batch.podOf(i));
      recorder.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    } catch (error) {
      expectations.creationObserved(key);
      if (statusCause(error, 'NamespaceTerminating')) return;
      recorder.event(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
      throw error;
    }
  });
  for (let i = attempted; i < creations; i++) expectations.creationObserved(key);
  const gone = await Promise.allSettled(
    remove.map(async (pod) => {
      try {
        const { uid = '' } = pod.metadata;
        await client.delete(pod.metadata.name ?? '', { preconditions: { uid } });
        recorder.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
      } catch (error) {
        expectations.deletionObserved(key, keyOf(pod));
        if (!isNotFound(error)) throw error;
      }
    }),
  );
  const error = made.error ?? gone.find((result) => result.status === 'rejected')?.reason;
  if (error !== undefined) throw error;
}
