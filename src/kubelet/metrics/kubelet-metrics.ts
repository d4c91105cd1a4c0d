import { type Counter, type Histogram, MetricsRegistry } from '../../base/metrics.ts';
import { isStaticPod } from '../static/static-pod.ts';
import type { ContainerKind, Pod } from '../types.ts';
import { kubeletVersion } from '../version.ts';

const operationBounds = Array.from({ length: 14 }, (_, i) => Number((0.005 * 2.5 ** i).toPrecision(6)));
const startBounds = [0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800];

/** What is read from elsewhere when the metrics are asked for. */
export interface MetricsSources {
  readonly nodeName: string;
  readonly pods: () => readonly Pod[];
  readonly activePods: () => readonly Pod[];
  readonly running: () => { readonly pods: number; readonly containers: ReadonlyMap<string, number> };
}

const containerTypes: Readonly<Record<ContainerKind, string>> = {
  init: 'init_container',
  regular: 'container',
  ephemeral: 'ephemeral_container',
};

/** /metrics and /metrics/probes of the kubelet, under upstream's names. Seconds. */
export class KubeletMetrics {
  readonly registry = new MetricsRegistry();
  readonly probes = new MetricsRegistry();
  readonly operations: Counter;
  readonly operationErrors: Counter;
  readonly operationDuration: Histogram;
  readonly sandboxDuration: Histogram;
  readonly startedPods: Counter;
  readonly startedPodErrors: Counter;
  readonly relistDuration: Histogram;
  readonly relistInterval: Histogram;
  readonly workerDuration: Histogram;
  readonly podStart: Histogram;
  readonly evictions: Counter;
  readonly preemptions: Counter;
  readonly imagesCollected: Counter;
  readonly #startedContainers: Counter;
  readonly #startedContainerErrors: Counter;
  readonly #probeResults: Counter;
  readonly #probeDuration: Histogram;

  constructor(sources: MetricsSources) {
    const of = this.registry;
    const name = (text: string) => `kubelet_${text}`;
    this.operations = of.counter(name('runtime_operations_total'), 'Calls of the runtime.', ['operation_type']);
    this.operationErrors = of.counter(name('runtime_operations_errors_total'), 'Calls of the runtime that failed.', [
      'operation_type',
    ]);
    this.operationDuration = of.histogram(
      name('runtime_operations_duration_seconds'),
      'How long calls of the runtime took.',
      ['operation_type'],
      operationBounds,
    );
    this.sandboxDuration = of.histogram(name('run_podsandbox_duration_seconds'), 'How long a sandbox took.', [
      'runtime_handler',
    ]);
    this.startedPods = of.counter(name('started_pods_total'), 'Pods that were started.');
    this.startedPodErrors = of.counter(name('started_pods_errors_total'), 'Pods whose start failed.');
    this.#startedContainers = of.counter(name('started_containers_total'), 'Containers that were started.', [
      'container_type',
    ]);
    this.#startedContainerErrors = of.counter(
      name('started_containers_errors_total'),
      'Containers whose start failed, by why.',
      ['container_type', 'code'],
    );
    this.relistDuration = of.histogram(name('pleg_relist_duration_seconds'), 'How long a list of all pods took.');
    this.relistInterval = of.histogram(name('pleg_relist_interval_seconds'), 'Time between two such lists.');
    this.workerDuration = of.histogram(name('pod_worker_duration_seconds'), 'How long a sync of a pod took.', [
      'operation_type',
    ]);
    this.podStart = of.histogram(
      name('pod_start_duration_seconds'),
      'From the first sight of a pod to its running.',
      [],
      startBounds,
    );
    this.evictions = of.counter(name('evictions'), 'Pods that were evicted, by signal.', ['eviction_signal']);
    this.preemptions = of.counter(name('preemptions'), 'Pods that made room for critical ones.', ['preemption_signal']);
    this.imagesCollected = of.counter(name('image_garbage_collected_total'), 'Images that were removed, by why.', [
      'reason',
    ]);
    this.#addGauges(sources);
    const labels = ['probe_type', 'container', 'pod', 'namespace'];
    this.#probeResults = this.probes.counter('prober_probe_total', 'Probes by their outcome.', [
      'probe_type',
      'result',
      'container',
      'pod',
      'namespace',
      'pod_uid',
    ]);
    this.#probeDuration = this.probes.histogram('prober_probe_duration_seconds', 'How long probes took.', labels);
  }

  containerStarted(kind: ContainerKind, error?: string): void {
    const type = containerTypes[kind];
    this.#startedContainers.inc([type]);
    if (error !== undefined) this.#startedContainerErrors.inc([type, error]);
  }

  probed(type: string, pod: Pod, container: string, result: string, seconds: number): void {
    const { name = '', namespace = '', uid = '' } = pod.metadata;
    const kind = `${type[0]!.toUpperCase()}${type.slice(1)}`;
    this.#probeResults.inc([kind, result, container, name, namespace, uid]);
    this.#probeDuration.observe(seconds, [kind, container, name, namespace]);
  }

  /** The figures of a pod's probes go with it. */
  #addGauges({ nodeName, pods, activePods, running }: MetricsSources): void {
    const of = this.registry;
    of.gauge('kubelet_node_name', 'The name of the node; always 1.', ['node']).set(1, [nodeName]);
    const [major = '', minor = ''] = kubeletVersion.replace(/^v/, '').split('.');
    of.gauge('kubernetes_build_info', 'What this is; always 1.', ['git_version', 'major', 'minor', 'platform']).set(1, [
      kubeletVersion,
      major,
      minor,
      `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
    ]);
    const runningPods = of.gauge('kubelet_running_pods', 'Pods whose sandbox is up.');
    const containers = of.gauge('kubelet_running_containers', 'Containers by state.', ['container_state']);
    const desired = of.gauge('kubelet_desired_pods', 'Pods that the kubelet is to run.', ['static']);
    const active = of.gauge('kubelet_active_pods', 'Pods that count for admission.', ['static']);
    const mirrored = of.gauge('kubelet_mirror_pods', 'Static pods, each of which has a mirror.');
    const ephemeral = of.gauge('kubelet_managed_ephemeral_containers', 'Ephemeral containers of all pods.');
    of.collect(() => {
      const now = running();
      runningPods.set(now.pods);
      for (const state of ['created', 'exited', 'running', 'unknown'])
        containers.set(now.containers.get(state) ?? 0, [state]);
      for (const [gauge, of] of [
        [desired, pods()],
        [active, activePods()],
      ] as const) {
        const own = of.filter(isStaticPod).length;
        gauge.set(own, ['true']);
        gauge.set(of.length - own, ['']);
      }
      mirrored.set(pods().filter(isStaticPod).length);
      ephemeral.set(pods().reduce((sum, pod) => sum + (pod.spec?.ephemeralContainers?.length ?? 0), 0));
    });
  }
}
