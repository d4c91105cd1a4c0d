import { describe, expect, it } from 'vitest';
import type { Image } from '../runtime/runtime.ts';
import type { ImageManager } from './image-manager.ts';
import { ensureImageVolumes } from './image-volumes.ts';

const pod = {
  metadata: { name: 'p', uid: 'u' },
  spec: {
    containers: [],
    volumes: [
      { name: 'data', image: { reference: 'data:1', pullPolicy: 'Always' } },
      { name: 'other', emptyDir: {} },
    ],
  },
};
const container = { name: 'main', image: 'app:1', volumeMounts: [{ name: 'data', mountPath: '/d' }] };

function ensure(runtimeVersion: string, names: string[] = []) {
  const images = {
    ensure: async (_: unknown, wanted: { readonly image?: string; readonly imagePullPolicy?: string }) => {
      names.push(`${wanted.image} ${wanted.imagePullPolicy}`);
      return { kind: 'present', image: { id: 'sha256:1' } as Image };
    },
  } as unknown as ImageManager;
  const runtime = { version: async () => ({ runtimeName: 'containerd', runtimeVersion, runtimeApiVersion: 'v1' }) };
  return ensureImageVolumes({ images, runtime }, pod, container, new AbortController().signal);
}

describe('images as volumes', () => {
  it('are brought by their own pull policy', async () => {
    const names: string[] = [];
    expect([...((await ensure('v2.1.9', names)) as Map<string, Image>).keys()]).toEqual(['data']);
    expect(names).toEqual(['data:1 Always']);
  });

  it.each(['1.6.20', '1.7.24', 'v2.0.4'])(
    'are refused aloud by containerd %s, which would mount nothing',
    async (version) => {
      await expect(ensure(version)).rejects.toThrow(`it needs containerd 2.1 or newer; this node has ${version}`);
    },
  );
});
