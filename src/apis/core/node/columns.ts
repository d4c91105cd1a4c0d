import { ageColumn, column, nameColumn, none } from '../../common/columns.ts';
import type { Node } from '../../generated/types/core/v1.ts';
import type { Column } from '../../kind.ts';

const rolePrefix = 'node-role.kubernetes.io/';
const roleLabel = 'kubernetes.io/role';

function statusText(node: Node): string {
  const ready = node.status?.conditions?.find((c) => c.type === 'Ready');
  const text = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return node.spec?.unschedulable ? `${text},SchedulingDisabled` : text;
}

function roles(node: Node): string {
  const found = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    if (key.startsWith(rolePrefix) && key.length > rolePrefix.length) found.add(key.slice(rolePrefix.length));
    else if (key === roleLabel && value !== '') found.add(value);
  }
  return [...found].sort().join(',') || none;
}

const address = (node: Node, type: string) => node.status?.addresses?.find((a) => a.type === type)?.address || none;

function kernel(node: Node): string {
  const { kernelVersion, architecture } = node.status?.nodeInfo ?? {};
  const text = kernelVersion || '<unknown>';
  return architecture ? `${text} (${architecture})` : text;
}

const wide = true;

export const nodeColumns: readonly Column<Node>[] = [
  nameColumn,
  column<Node>('Status', statusText, { description: 'Whether pods can run on it.' }),
  column<Node>('Roles', roles, { description: 'What its labels say it is for.' }),
  ageColumn,
  column<Node>('Version', (n) => n.status?.nodeInfo?.kubeletVersion ?? '', { description: 'Version of its kubelet.' }),
  column<Node>('Internal-IP', (n) => address(n, 'InternalIP'), { wide, description: 'Its address in the cluster.' }),
  column<Node>('External-IP', (n) => address(n, 'ExternalIP'), { wide, description: 'Its address for the world.' }),
  column<Node>('OS-Image', (n) => n.status?.nodeInfo?.osImage || '<unknown>', {
    wide,
    description: 'Operating system.',
  }),
  column<Node>('Kernel-Version', kernel, { wide, description: 'Kernel, and the architecture it is for.' }),
  column<Node>('Container-Runtime', (n) => n.status?.nodeInfo?.containerRuntimeVersion || '<unknown>', {
    wide,
    description: 'Container runtime and its version.',
  }),
];
