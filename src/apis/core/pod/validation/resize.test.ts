import { expect, test } from 'vitest';
import type { Pod } from '../../../generated/types/core/v1.ts';
import { validatePodResize } from './resize.ts';

const pod = (resources: object, more: object = {}, status: Pod['status'] = {}): Pod => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', resources, ...more }] },
  status,
});
const cpu = (amount: string, more: object = {}) => ({ requests: { cpu: amount, ...more } });

test.each<[string, Pod, Pod, readonly string[]]>([
  ['more cpu', pod(cpu('2')), pod(cpu('1')), []],
  ['another class', pod(cpu('2')), pod({}), ['Pod QOS Class may not change as a result of resizing']],
  ['less to ask for', pod(cpu('1')), pod(cpu('1', { memory: '1Mi' })), ['resource requests cannot be removed']],
  [
    'other resources',
    pod(cpu('1', { 'x.y/z': '2' })),
    pod(cpu('1', { 'x.y/z': '1' })),
    ['only cpu and memory resources are mutable'],
  ],
  [
    'a node that cannot',
    pod(cpu('2')),
    pod(
      cpu('1'),
      {},
      {
        containerStatuses: [{ name: 'c', state: { running: {} } } as never],
      },
    ),
    ['Pod running on node without support for resize'],
  ],
])('%s', (_what, now, old, messages) => {
  expect(validatePodResize(now, old).map(({ body }) => body.replace(/^.*: /, ''))).toEqual(messages);
});
