import { expect, test } from 'vitest';
import { recursiveReadOnlyWorks } from './recursive-read-only.ts';

const runtime = (runtimeVersion: string, runtimeName = 'containerd') => ({
  version: async () => ({ runtimeName, runtimeVersion, runtimeApiVersion: 'v1', version: '0.1.0' }),
});
const container = (recursiveReadOnly?: string) => ({
  name: 'c',
  volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true, ...(recursiveReadOnly && { recursiveReadOnly }) }],
});

test.each<[asked: string | undefined, version: string, want: boolean | string]>([
  [undefined, 'v2.1.0', false],
  ['Disabled', 'v2.1.0', false],
  ['IfPossible', 'v2.1.0', true],
  ['IfPossible', '1.6.20~ds1', false],
  ['Enabled', '2.0.0', true],
  ['Enabled', '1.6.20~ds1', 'it needs containerd 2.0 or newer; this node has 1.6.20~ds1'],
])('%s on containerd %s: %s', async (asked, version, want) => {
  const answer = recursiveReadOnlyWorks(runtime(version), container(asked));
  if (typeof want === 'string') await expect(answer).rejects.toThrow(want);
  else expect(await answer).toBe(want);
});
