import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { EffectiveConfiguration } from '../config/defaults.ts';
import { msOf } from '../config/validate.ts';
import { ImageGc } from '../images/image-gc.ts';
import { withDefaultTag } from '../images/image-manager.ts';
import type { KubeletMetrics } from '../metrics/kubelet-metrics.ts';
import type { PodWorkers } from '../pods/pod-workers.ts';
import type { PodRecorder } from '../pods/recorder.ts';
import { pauseImage } from '../runtime/containerd/config.ts';
import type { ContainerRuntime } from '../runtime/runtime.ts';
import type { StatsProvider } from '../stats/stats-provider.ts';
import { EvictionManager } from './eviction-manager.ts';
import { parseThresholds } from './thresholds.ts';

export interface KeepRoomDeps {
  readonly nodeName: string;
  readonly configuration: EffectiveConfiguration;
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly log: (message: string) => void;
  readonly events: EventRecorder;
  readonly recorder: PodRecorder;
  readonly stats: StatsProvider;
  readonly workers: () => PodWorkers;
  readonly metrics: Pick<KubeletMetrics, 'evictions' | 'imagesCollected'>;
  readonly onConditions: () => void;
}

/** What keeps room on the node: the eviction manager, and the removal of images and containers that nobody needs. */
export function keepRoom(deps: KeepRoomDeps): { readonly eviction: EvictionManager; readonly images: ImageGc } {
  const { configuration, runtime, clock, log, stats, workers } = deps;
  // The UID of a Node in events of its kubelet is its name, as upstream's.
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: deps.nodeName, uid: deps.nodeName } };
  const nodeEvent = (type: 'Warning', reason: string, message: string) =>
    deps.events.event(node, type, reason, message);
  const images = new ImageGc(
    {
      highPercent: configuration.imageGCHighThresholdPercent,
      lowPercent: configuration.imageGCLowThresholdPercent,
      minAgeMs: msOf(configuration.imageMinimumGCAge),
      maxAgeMs: msOf(configuration.imageMaximumGCAge),
    },
    {
      images: runtime,
      clock,
      log,
      inUse: () => imagesInUse(runtime, workers()),
      pinned: new Set([pauseImage]),
      fs: () => stats.imageFs(),
      onRemoved: (reason) => deps.metrics.imagesCollected.inc([reason]),
      event: nodeEvent,
    },
  );
  const eviction = new EvictionManager(
    {
      thresholds: parseThresholds(configuration),
      transitionMs: msOf(configuration.evictionPressureTransitionPeriod),
      maxPodGraceSeconds: configuration.evictionMaxPodGracePeriod ?? 0,
      localStorage: configuration.localStorageCapacityIsolation,
    },
    {
      clock,
      log,
      summary: () => stats.summary(),
      activePods: () => workers().activePods(),
      evict: (pod, verdict) => workers().end(pod.metadata.uid!, verdict),
      reclaim: (what) => (what === 'images' ? images.removeUnused() : workers().removeEnded()),
      recorder: { node: nodeEvent, pod: deps.recorder.pod },
      onEvicted: (signal) => deps.metrics.evictions.inc([signal]),
      onConditions: deps.onConditions,
    },
  );
  return { eviction, images };
}

/** By every name that a container or a volume may know its image. */
async function imagesInUse(runtime: ContainerRuntime, workers: PodWorkers): Promise<Set<string>> {
  const used = new Set<string>();
  for (const { image, imageRef } of await runtime.listContainers())
    for (const name of [image.image, imageRef]) if (name) used.add(name);
  for (const pod of workers.activePods())
    for (const { image } of pod.spec?.volumes ?? []) {
      const name = image?.reference && withDefaultTag(image.reference);
      if (!name) continue;
      const found = await runtime.imageStatus(name).catch((error) => {
        throw new Error(`looking for image ${name} of a volume: ${messageOf(error)}`, { cause: error });
      });
      if (found) used.add(found.id);
    }
  return used;
}
