import { defineKind } from '../../common/define.ts';
import type { Pod } from '../../generated/types/core/v1.ts';
import { podColumns } from './columns.ts';
import { defaultPod } from './defaults.ts';
import {
  ephemeralContainersStrategy,
  resizeStrategy,
  podGracefulDelete,
  podStatusStrategy,
  podStrategy,
} from './strategy.ts';

export const pod = defineKind<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  applyDefaults: defaultPod,
  strategy: podStrategy,
  subresources: { status: podStatusStrategy, ephemeralcontainers: ephemeralContainersStrategy, resize: resizeStrategy },
  columns: podColumns,
  selectableFields: {
    'spec.nodeName': (p) => p.spec?.nodeName ?? '',
    'spec.host': (p) => p.spec?.nodeName ?? '',
    'spec.restartPolicy': (p) => p.spec?.restartPolicy ?? '',
    'spec.schedulerName': (p) => p.spec?.schedulerName ?? '',
    'spec.serviceAccountName': (p) => p.spec?.serviceAccountName ?? '',
    'spec.hostNetwork': (p) => String(p.spec?.hostNetwork ?? false),
    'status.phase': (p) => p.status?.phase ?? '',
    'status.podIP': (p) => p.status?.podIPs?.[0]?.ip ?? p.status?.podIP ?? '',
    // Accepted, but never set, as upstream has it.
    'status.podIPs': () => '',
    'status.nominatedNodeName': (p) => p.status?.nominatedNodeName ?? '',
  },
  gracefulDelete: podGracefulDelete,
});
