import { ContainerConfigError } from '../containers/env.ts';
import type { RuntimeService } from '../runtime/runtime.ts';
import type { ContainerSpec } from '../types.ts';

/**
 * Whether read-only mounts of this container can be so with all that is mounted below them, as far as any asks for it.
 * Throws ContainerConfigError where one must be and the runtime would take no notice.
 */
export async function recursiveReadOnlyWorks(
  runtime: Pick<RuntimeService, 'version'>,
  container: ContainerSpec,
): Promise<boolean> {
  const asking = (container.volumeMounts ?? []).filter(
    ({ recursiveReadOnly }) => recursiveReadOnly !== undefined && recursiveReadOnly !== 'Disabled',
  );
  if (asking.length === 0) return false;
  const { runtimeName, runtimeVersion } = await runtime.version();
  // containerd passes it on from 2.0; older ones drop the field.
  const works = runtimeName !== 'containerd' || Number(runtimeVersion.replace(/^v/, '').split('.')[0]) >= 2;
  const must = asking.find(({ recursiveReadOnly }) => recursiveReadOnly === 'Enabled');
  if (works || !must) return works;
  throw new ContainerConfigError(
    `mounting ${must.name} recursively read-only: it needs containerd 2.0 or newer; this node has ${runtimeVersion}`,
  );
}
