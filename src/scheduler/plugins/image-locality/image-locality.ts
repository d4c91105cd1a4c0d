import { maxNodeScore } from '../../framework/plugin.ts';
import type { Plugin, PluginRegistration } from '../../framework/plugin.ts';

const mebibyte = 1024 * 1024;
/** Below it an image is not worth a preference; above, per container, it counts no more. */
const minBytes = 23 * mebibyte;
const maxBytesPerContainer = 1000 * mebibyte;

/** Prefers nodes that hold the pod's images, the more the larger they are and the wider they have spread. */
export const imageLocality: PluginRegistration = {
  name: 'ImageLocality',
  weight: 1,
  create: (handle): Plugin => ({
    name: 'ImageLocality',
    score(_state, pod, node) {
      if (node.images.size === 0) return 0;
      const nodeCount = handle.nodeCount();
      let bytes = 0;
      let containers = 0;
      const count = (image: string | undefined) => {
        containers++;
        const state = node.images.get(normalizedImageName(image ?? ''));
        // Scaled by the spread, so that the first node to have an image does not draw all pods of it.
        if (state !== undefined) bytes += Math.floor((state.sizeBytes * state.nodes.size) / nodeCount);
      };
      for (const c of pod.pod.spec.initContainers ?? []) count(c.image);
      for (const c of pod.pod.spec.containers) count(c.image);
      return localityScore(bytes, containers);
    },
  }),
};

export function localityScore(bytes: number, containers: number): number {
  const maxBytes = maxBytesPerContainer * containers;
  const bounded = Math.min(Math.max(bytes, minBytes), maxBytes);
  return Math.floor((maxNodeScore * (bounded - minBytes)) / (maxBytes - minBytes));
}

/** Node status lists images with their tags: a bare name means `latest`. */
export function normalizedImageName(name: string): string {
  return name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name;
}
