import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cpus } from 'node:os';
import type * as core from '../apis/generated/types/core/v1.ts';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { Client, ResourceClient } from '../client/client.ts';
import { EventBroadcaster } from '../client/events.ts';
import { Informer } from '../client/informer.ts';
import { type EffectiveConfiguration, withDefaults } from './config/defaults.ts';
import type { KubeletConfiguration } from './config/kubelet-configuration.ts';
import { unheededFields } from './config/heeded.ts';
import { msOf, validateKubeletConfiguration } from './config/validate.ts';
import { containerNameLabel, podUidLabel } from './containers/labels.ts';
import { nodeDirectories } from './containers/directories.ts';
import { bytesOf, type NodeResources } from './containers/resources.ts';
import { type CgroupDriver, chooseCgroupDriver, usesSystemdCgroups } from './node/cgroups.ts';
import { PodCgroups } from './node/pod-cgroups.ts';
import type { EvictionManager } from './eviction/eviction-manager.ts';
import { keepRoom } from './eviction/keep-room.ts';
import { pullCredentials } from './images/credentials.ts';
import { ImageManager } from './images/image-manager.ts';
import { LogRotation } from './logs/rotation.ts';
import { type MachineInfo, readMachine } from './nodestatus/machine.ts';
import { NodeReporter } from './nodestatus/node-reporter.ts';
import { allocatable } from './nodestatus/allocatable.ts';
import { nodeStatus } from './nodestatus/node-status.ts';
import { cadvisorMetrics, cadvisorSubjects } from './metrics/cadvisor.ts';
import { KubeletMetrics } from './metrics/kubelet-metrics.ts';
import { meteredRuntime } from './metrics/metered-runtime.ts';
import { addProcessMetrics } from './metrics/process-metrics.ts';
import { resourceMetrics } from './metrics/resource-metrics.ts';
import { PodObjects } from './objects/pod-objects.ts';
import { RuntimeClasses } from './objects/runtime-classes.ts';
import { PodWorkers } from './pods/pod-workers.ts';
import { podRecorder } from './pods/recorder.ts';
import { CrashBackoff, crashBackoffDefaults } from './pods/restart.ts';
import { RuntimePodReader } from './pods/runtime-pod.ts';
import { StatusManager } from './pods/status-manager.ts';
import { ProbeManager } from './probes/probe-manager.ts';
import { createProber } from './probes/prober.ts';
import { Allocations } from './resize/allocations.ts';
import { nodeIdOf } from './runtime/containerd/paths.ts';
import { nodeCgroupName } from './runtime/containerd/sweep.ts';
import type { ContainerRuntime } from './runtime/runtime.ts';
import { KubeletAuthorizer } from './server/authorizer.ts';
import { HealthzServer } from './server/healthz.ts';
import { NodePods } from './server/node-pods.ts';
import { KubeletServer, type KubeletServerOptions } from './server/server.ts';
import { type HostReadings, hostReadings } from './stats/node-stats.ts';
import { readCgroup } from './stats/cgroup-stats.ts';
import { StatsProvider } from './stats/stats-provider.ts';
import { runFileSource, runHttpSource } from './static/sources.ts';
import { NodeShutdown } from './shutdown/node-shutdown.ts';
import { shutdownGroups } from './shutdown/plan.ts';
import { isMirrorPod } from './static/static-pod.ts';
import { StaticPods } from './static/static-pods.ts';
import type { Pod } from './types.ts';
import { TokenManager } from './volumes/tokens.ts';
import { CsiDrivers } from './csi/csi-drivers.ts';
import { CsiVolumes } from './csi/csi-volumes.ts';
import { PluginWatcher } from './plugins/plugin-watcher.ts';
import { VolumeClaims } from './volumes/claims.ts';
import { VolumeManager } from './volumes/volume-manager.ts';

/** Named as upstream's configuration where it has the field. */
export interface KubeletOptions {
  readonly nodeName: string;
  /** This node's own directory: pods, volumes, logs. The same that its containerd has. */
  readonly dataDir: string;
  /** Addresses that the Node shows, the first one preferred. */
  readonly nodeIps: readonly string[];
  /** As written by the operator; what is absent has upstream's default. Validated at `start`. */
  readonly configuration?: KubeletConfiguration;
  /** Instead of the configuration's; 0: any free one, which the Node then names. */
  readonly port?: number;
  /** What the server shows, and who may sign client certificates. PEM. */
  readonly certificates: Pick<KubeletServerOptions, 'certPem' | 'keyPem' | 'clientCaPem'>;
  readonly nodeLabels?: Readonly<Record<string, string>>;
  readonly crashLoopBackOff?: { readonly initialMs: number; readonly maxMs: number };
}

export interface KubeletDeps {
  /** Speaks for `system:node:<name>`. */
  readonly client: Client;
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: (message: string) => void;
  /** Default: this machine's. */
  readonly host?: HostReadings;
  /** Default: this machine's. */
  readonly cgroups?: Pick<PodCgroups, 'parent' | 'create' | 'update' | 'remove'>;
}

export interface Kubelet {
  /** The port that its server listens on; 0 before `start`. */
  readonly port: number;
  /** Resolves when the Node is being registered and pods are looked after; containers that run are taken over. */
  start(): Promise<void>;
  /**
   * Ends the kubelet. `keep`: containers run on, and the next kubelet takes them over. `shutdown`: they are ended as at
   * a machine's shutdown, within the grace; what the next start shows is what a reboot would.
   */
  stop(pods: 'keep' | { readonly shutdownGraceSeconds: number }): Promise<void>;
  /**
   * The machine goes down: pods end in the order of their priorities, as `shutdownGracePeriod` and its like say, and none
   * is taken any more. Resolves when that is done; `stop` follows.
   */
  shutDown(): Promise<void>;
  /** Something about the node (its network) has changed: its status is looked at now. */
  poke(): void;
}

/** The node agent of one node. Knows the API server by `client` alone, and containers by `runtime` alone. */
export function createKubelet(options: KubeletOptions, deps: KubeletDeps): Kubelet {
  return new NodeAgent(options, deps);
}

class NodeAgent implements Kubelet {
  readonly #options: KubeletOptions;
  readonly #deps: KubeletDeps;
  readonly #configuration: EffectiveConfiguration;
  /** From `start` on. */
  #cgroups!: Pick<PodCgroups, 'parent' | 'create' | 'update' | 'remove'>;
  readonly #stopping = new AbortController();
  readonly #stops: (() => void | Promise<void>)[] = [];
  #shutdown: NodeShutdown | undefined;
  #workers: PodWorkers | undefined;
  #server: KubeletServer | undefined;
  #reporter: NodeReporter | undefined;
  #csi: CsiVolumes | undefined;

  constructor(options: KubeletOptions, deps: KubeletDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#configuration = withDefaults(options.configuration ?? {});
  }

  get port(): number {
    return this.#server?.port ?? 0;
  }

  poke(): void {
    this.#reporter?.poke();
  }

  async shutDown(): Promise<void> {
    await this.#shutdown?.run();
  }

  async start(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      await this.stop('keep');
      throw error;
    }
  }

  async #start(): Promise<void> {
    const { client, clock, random, log } = this.#deps;
    const { nodeName, dataDir, nodeIps } = this.#options;
    const metrics = new KubeletMetrics({
      nodeName,
      pods: () => this.#workers?.pods() ?? [],
      activePods: () => this.#workers?.activePods() ?? [],
      running: () => this.#workers?.running() ?? { pods: 0, containers: new Map() },
    });
    addProcessMetrics(metrics.registry);
    const runtime = meteredRuntime(this.#deps.runtime, metrics, clock);
    const configuration = this.#configuration;
    const wrong = validateKubeletConfiguration(configuration);
    if (wrong.length > 0) throw new Error(wrong.join('; '));
    const unheeded = unheededFields(this.#options.configuration ?? {});
    if (unheeded.length > 0) log(`kubelet: not heeded yet of the configuration: ${unheeded.join(', ')}`);
    const dirs = nodeDirectories(dataDir);
    // Containers see their volumes through mounts, whoever they run as; nobody else of the host has business there.
    await mkdir(dirs.pods, { recursive: true, mode: 0o750 });
    await mkdir(dirs.podLogs, { recursive: true, mode: 0o755 });
    await mkdir(dirs.seccomp, { recursive: true, mode: 0o755 });
    const machine = await readMachine(dataDir);
    this.#cgroups = this.#deps.cgroups ?? (await this.#ownCgroups(runtime, machine.resources));
    const onError = (error: unknown) => log(messageOf(error));

    const broadcaster = new EventBroadcaster({ client, clock, onError });
    broadcaster.start();
    this.#stops.push(() => broadcaster.stop());
    const events = broadcaster.recorder('kubelet', nodeName);
    const recorder = podRecorder(events);

    const pods = client.resource<core.Pod>({ group: '', version: 'v1', resource: 'pods' });
    const poke = (uid: string) => this.#workers?.poke(uid);
    const status = new StatusManager({ pods, clock, onError });
    this.#stops.push(() => status.stop());
    const objects = new PodObjects({ client, clock, random, onChange: poke, onError });
    objects.start();
    this.#stops.push(() => objects.stop());
    const tokens = new TokenManager(client, clock);
    const probes = new ProbeManager({
      prober: createProber(runtime),
      clock,
      random,
      recorder,
      meter: metrics,
      onChange: poke,
    });
    this.#stops.push(() => probes.stop());
    const reader = new RuntimePodReader(runtime);
    const node = machine.resources;
    const allocations = new Allocations({
      dirs,
      capacity: { ...allocatable(node, configuration), pods: podCapacity(configuration, node) },
      onFreed: (uids) => uids.forEach(poke),
    });
    const stats = new StatsProvider(
      { nodeName, dataDir, dirs, machine },
      { runtime, clock, host: this.#deps.host ?? hostReadings, pods: () => workers.pods() },
    );
    const { eviction, images } = keepRoom({
      nodeName,
      configuration,
      runtime,
      clock,
      log,
      events,
      recorder,
      stats,
      workers: () => workers,
      metrics,
      onConditions: () => this.poke(),
    });
    const shutdown = new NodeShutdown(shutdownGroups(configuration), {
      clock,
      log,
      activePods: () => workers.activePods(),
      end: (pod, verdict) => workers.end(pod.metadata.uid!, verdict),
      onBegin: () => this.poke(),
    });
    this.#shutdown = shutdown;
    const drivers = new CsiDrivers(nodeName, client, clock);
    this.#stops.push(() => drivers.stop());
    const csi = new CsiVolumes({
      nodeName,
      dirs,
      plugins: join(dataDir, 'plugins'),
      client,
      clock,
      drivers,
      podUids: () => readdir(dirs.pods),
    });
    this.#csi = csi;
    const plugins = new PluginWatcher(join(dataDir, 'plugins_registry'), {
      clock,
      log,
      handlers: { CSIPlugin: drivers },
    });
    await plugins.start();
    this.#stops.push(() => plugins.stop());
    const workers: PodWorkers = new PodWorkers({
      refuses: (pod) => shutdown.admit() ?? eviction.admit(pod),
      meter: metrics,
      runtime,
      reader,
      clock,
      log,
      recorder,
      dirs,
      node,
      objects,
      runtimeClasses: new RuntimeClasses(client),
      tokens,
      probes,
      status,
      images: new ImageManager({
        images: runtime,
        clock,
        recorder,
        credentials: (pod, image) => pullCredentials(objects, pod, image),
      }),
      volumes: new VolumeManager({ dirs, clock, objects, tokens, node, claims: new VolumeClaims(client), csi }),
      allocations,
      cgroups: this.#cgroups,
      backoff: new CrashBackoff(this.#options.crashLoopBackOff ?? crashBackoff(configuration)),
      dns: { servers: configuration.clusterDNS ?? [], domain: configuration.clusterDomain || 'cluster.local' },
      hostIps: () => nodeIps,
      onGone: (uid) => statics.gone(uid),
    });
    this.#workers = workers;
    const statics = this.#createStaticPods(pods, workers, status);

    await this.#startServer(stats, workers, reader, metrics);
    this.#startHealthz();
    this.#reporter = this.#createReporter(machine, workers, eviction);
    this.#reporter.start();
    void eviction.run(this.#stopping.signal);
    void images.run(this.#stopping.signal);

    const rotation = new LogRotation(
      {
        directory: dirs.podLogs,
        maxBytes: bytesOf(configuration.containerLogMaxSize) ?? Number.POSITIVE_INFINITY,
        maxFiles: configuration.containerLogMaxFiles,
        checkMs: msOf(configuration.containerLogMonitorInterval),
      },
      { clock, log, reopen: (path) => reopenLog(runtime, reader, path) },
    );
    void rotation.run(this.#stopping.signal);

    const informer = new Informer<core.Pod>({
      client: pods,
      clock,
      random,
      fieldSelector: `spec.nodeName=${nodeName}`,
      onError,
    });
    informer.addHandlers({
      onAdd: (pod) => (isMirrorPod(pod) ? statics.mirrorSeen(pod) : workers.update(pod)),
      onUpdate: (_, pod) => (isMirrorPod(pod) ? statics.mirrorSeen(pod) : workers.update(pod)),
      onDelete: (pod) => (isMirrorPod(pod) ? statics.mirrorGone(pod) : workers.deleted(pod)),
    });
    this.#stops.push(() => informer.stop());
    informer.start();
    workers.start();
    void (async () => {
      const { signal } = this.#stopping;
      await Promise.all([informer.whenSynced(signal), objects.whenSynced(signal)]);
      statics.serverKnown();
      // Until all pods are known, a container without one may only be one not heard of yet.
      await statics.whenComplete(signal);
      workers.knowsAll();
    })().catch((error) => {
      if (!this.#stopping.signal.aborted) log(`starting pod workers: ${messageOf(error)}`);
    });
  }

  async stop(pods: 'keep' | { readonly shutdownGraceSeconds: number }): Promise<void> {
    this.#stopping.abort();
    await this.#reporter?.stop();
    if (pods === 'keep') await this.#workers?.stop();
    else {
      const grace = pods.shutdownGraceSeconds;
      // In one grace: what was ending already, and what is told to end now (the first call keeps it from restarting).
      await Promise.all([this.#workers?.stop(grace), this.#workers?.stopContainers(grace)]);
    }
    await this.#server?.stop();
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }

  /** Pods that need no API server: from files and a URL. Their workers start at once. */
  #createStaticPods(pods: ResourceClient<core.Pod>, workers: PodWorkers, status: StatusManager): StaticPods {
    const { clock, log } = this.#deps;
    const { nodeName } = this.#options;
    const { staticPodPath, staticPodURL, staticPodURLHeader, fileCheckFrequency, httpCheckFrequency } =
      this.#configuration;
    const names = [...(staticPodPath ? ['file'] : []), ...(staticPodURL ? ['http'] : [])];
    const statics = new StaticPods(names, {
      pods,
      clock,
      log,
      workers,
      status,
      node: () => this.#reporter?.node,
    });
    this.#stops.push(() => statics.stop());
    const { signal } = this.#stopping;
    const deps = (source: string) => ({
      nodeName,
      clock,
      log,
      onPods: (found: readonly Pod[]) => statics.set(source, found),
    });
    const failed = (error: unknown) => log(`kubelet: static pods: ${messageOf(error)}`);
    if (staticPodPath)
      runFileSource({ path: staticPodPath, checkMs: msOf(fileCheckFrequency) }, deps('file'), signal).catch(failed);
    if (staticPodURL) {
      const options = { url: staticPodURL, headers: staticPodURLHeader ?? {}, checkMs: msOf(httpCheckFrequency) };
      runHttpSource(options, deps('http'), signal).catch(failed);
    }
    return statics;
  }

  async #startServer(
    stats: StatsProvider,
    workers: PodWorkers,
    reader: RuntimePodReader,
    metrics: KubeletMetrics,
  ): Promise<void> {
    const { client, runtime, clock, log } = this.#deps;
    const { nodeName, certificates } = this.#options;
    const configuration = this.#configuration;
    const { address } = configuration;
    const port = this.#options.port ?? configuration.port;
    const text = (body: string) => ({ type: 'text/plain; version=0.0.4; charset=utf-8', body });
    const json = (value: unknown) => ({ type: 'application/json', body: JSON.stringify(value) });
    const server = new KubeletServer(
      { ...certificates, address, port },
      {
        pods: new NodePods(workers, reader),
        runtime,
        authorizer: new KubeletAuthorizer(client, clock, nodeName, configuration),
        documents: {
          '/configz': async () => json({ kubeletconfig: { ...configuration, port: this.port } }),
          '/metrics': async () => text(metrics.registry.text()),
          '/metrics/probes': async () => text(metrics.probes.text()),
          '/metrics/resource': async () => text(resourceMetrics(await stats.summary().catch(() => undefined))),
          '/metrics/cadvisor': async () => text(await this.#cadvisor(stats, workers)),
          '/stats/summary': async () => json(await stats.summary()),
        },
        log,
      },
    );
    await server.start();
    this.#server = server;
  }

  async #ownCgroups(runtime: ContainerRuntime, node: NodeResources): Promise<PodCgroups> {
    const asks = this.#options.configuration?.cgroupDriver as CgroupDriver | undefined;
    const answer = await runtime.cgroupDriver();
    if (answer && asks && answer !== asks)
      this.#deps.log(`kubelet: cgroupDriver ${asks} is not heeded: the runtime has ${answer}`);
    const host = usesSystemdCgroups() ? 'systemd' : 'cgroupfs';
    const hasSystemd = existsSync('/run/systemd/system');
    const driver = chooseCgroupDriver({ runtime: answer, configured: asks, host, hasSystemd });
    const root = nodeCgroupName(nodeIdOf(this.#options.dataDir));
    const { podPidsLimit, enforceNodeAllocatable } = this.#configuration;
    const options = { root, systemd: driver === 'systemd', podPids: podPidsLimit };
    const cgroups = new PodCgroups(options, this.#deps.clock);
    if (!enforceNodeAllocatable.includes('pods')) return cgroups;
    try {
      // What eviction keeps free is taken from no pod: they are to reach the threshold.
      cgroups.limitAll(allocatable(node, { ...this.#configuration, evictionHard: {} }));
    } catch (error) {
      this.#deps.log(`kubelet: holding pods to Node Allocatable: ${messageOf(error)}`);
    }
    return cgroups;
  }

  async #cadvisor(stats: StatsProvider, workers: PodWorkers): Promise<string> {
    const { runtime, clock } = this.#deps;
    const [summary, containers] = await Promise.all([stats.summary(), runtime.listContainers()]);
    const running = containers.filter(({ state }) => state === 'CONTAINER_RUNNING');
    const pods = workers.pods().map((pod) => ({
      uid: pod.metadata.uid!,
      cgroup: this.#cgroups.parent(pod),
      containers: running
        .filter(({ labels }) => labels[podUidLabel] === pod.metadata.uid)
        .map(({ id, labels, image }) => ({ id, name: labels[containerNameLabel] ?? '', image: image.image })),
    }));
    const { capacityBytes } = (this.#deps.host ?? hostReadings).machine().memory;
    const machine = { cores: cpus().length, memoryBytes: capacityBytes, nowMs: clock.now() };
    return cadvisorMetrics(cadvisorSubjects(summary, pods, readCgroup), machine);
  }

  /** Plain HTTP, for whoever watches over the kubelet on its own machine. Its port being taken ends nothing, as upstream. */
  #startHealthz(): void {
    const { healthzBindAddress: address, healthzPort: port } = this.#configuration;
    if (port === 0) return;
    const server = new HealthzServer({ address, port });
    this.#stops.push(() => server.stop());
    server.start().catch((error) => this.#deps.log(`kubelet: healthz on ${address}:${port}: ${messageOf(error)}`));
  }

  #createReporter(machine: MachineInfo, workers: PodWorkers, eviction: EvictionManager): NodeReporter {
    const { client, runtime, clock, log } = this.#deps;
    const { nodeName, nodeIps } = this.#options;
    const configuration = this.#configuration;
    const { architecture } = machine;
    const labels = {
      'beta.kubernetes.io/arch': architecture,
      'beta.kubernetes.io/os': 'linux',
      'kubernetes.io/arch': architecture,
      'kubernetes.io/hostname': nodeName,
      'kubernetes.io/os': 'linux',
      ...this.#options.nodeLabels,
    };
    const reporterOptions = {
      nodeName,
      labels,
      taints: (configuration.registerWithTaints ?? []) as core.Taint[],
      updateMs: msOf(configuration.nodeStatusUpdateFrequency),
      reportMs: msOf(configuration.nodeStatusReportFrequency),
      leaseSeconds: configuration.nodeLeaseDurationSeconds,
    };
    return new NodeReporter(reporterOptions, {
      client,
      clock,
      log,
      status: async (node) => {
        const [version, conditions, images] = await Promise.all([
          runtime.version().catch(() => undefined),
          runtime.status().catch(() => []),
          runtime.listImages().catch(() => []),
        ]);
        const volumesInUse = [...((await this.#csi?.inUse()) ?? [])];
        const name = version?.runtimeName ?? 'containerd';
        const silentMs = clock.monotonicMs() - workers.lastRelistMs;
        const known = nodeStatus({
          nodeName,
          nodeIps,
          port: this.port,
          maxPods: podCapacity(configuration, machine.resources),
          maxImages: configuration.nodeStatusMaxImages,
          reservations: configuration,
          machine,
          runtimeVersion: `${name}://${version?.runtimeVersion.replace(/^v?(\d+\.\d+\.\d+).*/, '$1') ?? 'Unknown'}`,
          images,
          runtime: conditions,
          problems: [
            ...(this.#shutdown?.hasBegun ? ['node is shutting down'] : []),
            ...(silentMs > plegUnhealthyMs
              ? [
                  `PLEG is not healthy: pleg was last seen active ${Math.round(silentMs / 1000)}s ago; threshold is 3m0s`,
                ]
              : []),
          ],
          pressure: eviction.conditions,
          node,
          nowMs: clock.now(),
        });
        return volumesInUse.length > 0 || node?.status?.volumesInUse ? { ...known, volumesInUse } : known;
      },
    });
  }
}

/** podsPerCore, where given, may only make it fewer. */
function podCapacity({ maxPods, podsPerCore = 0 }: EffectiveConfiguration, node: NodeResources): number {
  return podsPerCore > 0 ? Math.min(maxPods, podsPerCore * Math.floor(node.cpuMilli / 1000)) : maxPods;
}

function crashBackoff({ crashLoopBackOff }: EffectiveConfiguration) {
  const maxMs = msOf(crashLoopBackOff.maxContainerRestartPeriod);
  return { initialMs: Math.min(crashBackoffDefaults.initialMs, maxMs), maxMs };
}

/** Upstream's threshold after which a node that cannot list its containers is not ready. */
const plegUnhealthyMs = 180_000;

/** By the log's path: `<namespace>_<name>_<uid>/<container>/<attempt>.log`. */
async function reopenLog(runtime: ContainerRuntime, reader: RuntimePodReader, path: string): Promise<boolean> {
  const uid = path.split('/').at(-3)?.split('_').at(-1) ?? '';
  const { containers } = await reader.read(uid);
  const writer = containers.find((container) => container.logPath === path && container.state === 'running');
  if (writer) await runtime.reopenContainerLog(writer.id);
  return writer !== undefined;
}
