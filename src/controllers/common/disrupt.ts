import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import type { ControllerContext } from '../context.ts';
import { pods } from './resources.ts';
import { timeText } from '../../machinery/meta/time.ts';

/**
 * Deletes a pod that a control plane component takes away, and first writes the condition DisruptionTarget, by which
 * owners (Jobs) tell this from a failure of the pod's own. `force`: nobody is there to end it, so it is marked Failed
 * and deleted at once.
 */
export async function disruptPod(
  { client, clock }: Pick<ControllerContext, 'client' | 'clock'>,
  pod: DeepReadonly<Pod>,
  options: { readonly reason: string; readonly message: string; readonly force?: boolean },
): Promise<void> {
  const { reason, message, force } = options;
  const { name = '', namespace, uid = '' } = pod.metadata;
  const resource = client.resource<Pod>(pods).namespace(namespace);
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason,
    message,
    lastTransitionTime: timeText(clock.now()),
  };
  const phase = pod.status?.phase;
  const isFinished = phase === 'Succeeded' || phase === 'Failed';
  await resource.patch(
    name,
    'strategic',
    { metadata: { uid }, status: { ...(force && !isFinished ? { phase: 'Failed' } : {}), conditions: [condition] } },
    { subresource: 'status' },
  );
  await resource.delete(name, { preconditions: { uid }, ...(force ? { gracePeriodSeconds: 0 } : {}) });
}
