// A cluster with real containers, apart from any other on this machine: networks of its own, an image without a registry.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxArchive } from './images.ts';
import type { UpCluster } from './up.ts';

/** Networks that the default of no cluster overlaps with. */
export const networkFlags = ['--pod-network-cidr', '10.237.0.0/16', '--service-cidr', '10.131.0.0/16'];

/** The flags of `skiff up` for such a cluster; writes the image's archive into its directory. */
export function realFlags(cluster: UpCluster): string[] {
  const archive = join(cluster.dataDir, 'busybox.tar');
  writeFileSync(archive, busyboxArchive());
  return [...networkFlags, '--load-image', archive];
}

/** What a check said last when it never held. */
export async function eventually<T>(what: string, check: () => Promise<T | undefined>, timeoutMs = 30_000): Promise<T> {
  const endMs = Date.now() + timeoutMs;
  let problem: unknown = 'it did not hold';
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined) return value;
    } catch (error) {
      problem = error;
    }
    if (Date.now() > endMs) throw new Error(`${what}: not within ${timeoutMs} ms`, { cause: problem });
    await new Promise((done) => setTimeout(done, 100));
  }
}
