/** Pods stay five minutes on a node that is not ready or not reachable, unless they say otherwise. */
import type { Pod, Toleration } from '../../../apis/generated/types/core/v1.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import { isCore } from '../refuse.ts';

const defaultSeconds = 300;
const taints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

const tolerates = (toleration: Toleration, taint: string) =>
  (toleration.key === taint || !toleration.key) && (toleration.effect === 'NoExecute' || !toleration.effect);

export class DefaultTolerationSeconds implements AdmissionPlugin {
  readonly name = 'DefaultTolerationSeconds';

  handles(operation: Attributes['operation']): boolean {
    return operation === 'CREATE' || operation === 'UPDATE';
  }

  admit(attributes: Attributes): void {
    if (!isCore(attributes, 'pods')) return;
    const spec = (attributes.object as Pod).spec!;
    for (const key of taints) {
      if (spec.tolerations?.some((t) => tolerates(t, key))) continue;
      spec.tolerations = [
        ...(spec.tolerations ?? []),
        { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: defaultSeconds },
      ];
    }
  }
}
