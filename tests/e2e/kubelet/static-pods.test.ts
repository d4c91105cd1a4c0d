import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { containerId, shell, TestKubelet } from '../../support/kubelet.ts';
import { realContainersMissing } from '../../support/root.ts';

const missing = realContainersMissing();
if (missing) console.warn(`NOT RUN: static pods on real containers: ${missing}`);

describe.runIf(!missing)('static pods on a real containerd', () => {
  let kubelet: TestKubelet;
  const manifests = mkdtempSync('/var/tmp/skiff-manifests-');
  beforeAll(async () => {
    kubelet = await TestKubelet.create('static', 16, { staticPodPath: manifests });
  });
  afterAll(async () => {
    await kubelet?.remove();
    rmSync(manifests, { recursive: true });
  });

  const write = (script: string) => {
    const spec = { hostNetwork: true, terminationGracePeriodSeconds: 1, containers: [shell(script)] };
    const manifest = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'own' }, spec };
    // Whole or not at all.
    writeFileSync(join(manifests, '.own.json'), JSON.stringify(manifest));
    renameSync(join(manifests, '.own.json'), join(manifests, 'own.json'));
  };
  const mirrored = (is: (uid: string) => boolean) =>
    expect
      .poll(
        async () => {
          const pod = await kubelet.pods.get('own-n1').catch(() => undefined);
          return pod?.status?.phase === 'Running' && is(pod.metadata.uid!);
        },
        { timeout: 20_000 },
      )
      .toBe(true);

  it('run on the address of the node, are mirrored, outlive the mirror and the kubelet, and end with their file (checklist 31)', async () => {
    write('echo first; sleep 1000');
    await mirrored(() => true);
    const mirror = await kubelet.pods.get('own-n1');
    expect(mirror.status?.podIP).toBe('127.0.0.1');
    expect(await kubelet.log('own-n1')).toBe('first\n');
    const id = containerId(mirror);

    await kubelet.pods.delete('own-n1');
    await mirrored((uid) => uid !== mirror.metadata.uid);
    expect(containerId(await kubelet.pods.get('own-n1'))).toBe(id);

    await kubelet.pause();
    await kubelet.start();
    await expect.poll(async () => (await kubelet.get('/pods')).body).toContain('own-n1');
    expect(containerId(await kubelet.pods.get('own-n1'))).toBe(id);

    write('echo second; sleep 1000');
    await expect.poll(() => kubelet.log('own-n1'), { timeout: 20_000 }).toBe('second\n');

    rmSync(join(manifests, 'own.json'));
    await kubelet.gone('own-n1');
    await expect.poll(() => kubelet.node.runtime.listPodSandbox(), { timeout: 15_000 }).toEqual([]);
    await kubelet.gone('own-n1');
  });
});
