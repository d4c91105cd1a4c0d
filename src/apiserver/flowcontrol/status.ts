/** Tells each FlowSchema whether its priority level is there: the condition Dangling. */
import type { FlowSchema } from '../../apis/generated/types/flowcontrol.apiserver.k8s.io/v1.ts';
import type { Clock } from '../../base/clock.ts';
import { isConflict, isNotFound } from '../../machinery/status/is.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { flowControlGroup } from '../bootstrap/flow-control.ts';
import type { Loopback } from '../bootstrap/loopback.ts';
import type { Lookup } from '../registry/registry.ts';
import { timeText } from '../../machinery/meta/time.ts';

const at = { group: flowControlGroup, version: 'v1', resource: 'flowschemas' };

/** Who has the condition, as upstream names itself. */
const manager = 'api-priority-and-fairness-config-consumer-v1';

/** What it depends on. */
export const flowSchemaStatusReads = [
  [flowControlGroup, 'flowschemas'],
  [flowControlGroup, 'prioritylevelconfigurations'],
] as const;

/** Writes what has changed. A schema that changes meanwhile, or goes, is left to the next call. */
export async function updateFlowSchemaStatus(lookup: Lookup, loopback: Loopback, clock: Clock): Promise<void> {
  const schemas = lookup.list<FlowSchema>(flowControlGroup, 'flowschemas');
  await Promise.all(
    schemas.map(async (schema) => {
      const name = schema.spec?.priorityLevelConfiguration.name ?? '';
      const found = lookup.get(flowControlGroup, 'prioritylevelconfigurations', '', name) !== undefined;
      const object = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(name)}`;
      const wanted = {
        type: 'Dangling',
        status: found ? 'False' : 'True',
        reason: found ? 'Found' : 'NotFound',
        message: found ? `${object} and it exists` : `${object} but there is no such object`,
      };
      const conditions = schema.status?.conditions ?? [];
      const old = conditions.find((c) => c.type === 'Dangling');
      if (old?.status === wanted.status && old.message === wanted.message) return;
      const own = {
        apiVersion: `${flowControlGroup}/v1`,
        kind: 'FlowSchema',
        metadata: { name: schema.metadata.name, uid: schema.metadata.uid },
        status: { conditions: [{ ...wanted, lastTransitionTime: timeText(clock.now()) }] },
      };
      try {
        await loopback.apply(at, own as KubeObject, 'status', manager);
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
    }),
  );
}
