import type { ContainerdPaths } from './paths.ts';

/** The sandbox image: ours, made on the spot and imported, under the name that upstream's runtimes expect. */
export const pauseImage = 'registry.k8s.io/pause:3.10';

export interface ContainerdConfigInput {
  readonly paths: ContainerdPaths;
  /** Major version of the containerd that will read it: 2 and later have other plugin names. */
  readonly major: number;
  readonly systemdCgroup: boolean;
  /** True where the process may not lower oom_score_adj (no CAP_SYS_RESOURCE): every sandbox would fail to start. */
  readonly restrictOomScoreAdj: boolean;
  readonly cniBinDirs: readonly string[];
  readonly registryConfigDir: string;
}

/** Containerd's config.toml. A host's own containerd shares nothing with it: root, state, socket, runc's root. */
export function containerdConfig(input: ContainerdConfigInput): string {
  const { paths } = input;
  const head = [
    `version = ${input.major >= 2 ? 3 : 2}`,
    `root = ${quote(paths.root)}`,
    `state = ${quote(paths.state)}`,
    'oom_score = 0',
    `disabled_plugins = [${unusedPlugins.map(quote).join(', ')}]`,
    '[grpc]',
    `address = ${quote(paths.socket)}`,
    '[ttrpc]',
    `address = ${quote(`${paths.socket}.ttrpc`)}`,
    '[debug]',
    'level = "warn"',
    '[plugins."io.containerd.internal.v1.opt"]',
    `path = ${quote(paths.optDir)}`,
  ];
  return `${[...head, ...(input.major >= 2 ? pluginsV3(input) : pluginsV2(input))].join('\n')}\n`;
}

/** Snapshotters that only probe and warn, and tracing, which needs an endpoint. */
const unusedPlugins = [
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
  'io.containerd.internal.v1.tracing',
  'io.containerd.tracing.processor.v1.otlp',
];

function pluginsV2({ paths, ...input }: ContainerdConfigInput): string[] {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return [
    `[${cri}]`,
    `sandbox_image = ${quote(pauseImage)}`,
    'stream_server_address = "127.0.0.1"',
    'stream_server_port = "0"',
    `restrict_oom_score_adj = ${input.restrictOomScoreAdj}`,
    'disable_apparmor = true',
    'netns_mounts_under_state_dir = true',
    `[${cri}.cni]`,
    `bin_dir = ${quote(input.cniBinDirs[0] ?? '/opt/cni/bin')}`,
    `conf_dir = ${quote(paths.cniConfDir)}`,
    `[${cri}.containerd]`,
    'snapshotter = "overlayfs"',
    'default_runtime_name = "runc"',
    ...runc(`${cri}.containerd`, paths, input.systemdCgroup),
    `[${cri}.registry]`,
    `config_path = ${quote(input.registryConfigDir)}`,
  ];
}

function pluginsV3({ paths, ...input }: ContainerdConfigInput): string[] {
  const runtime = 'plugins."io.containerd.cri.v1.runtime"';
  const images = 'plugins."io.containerd.cri.v1.images"';
  return [
    '[plugins."io.containerd.grpc.v1.cri"]',
    'stream_server_address = "127.0.0.1"',
    'stream_server_port = "0"',
    `[${runtime}]`,
    `restrict_oom_score_adj = ${input.restrictOomScoreAdj}`,
    'disable_apparmor = true',
    'netns_mounts_under_state_dir = true',
    `[${runtime}.cni]`,
    `bin_dirs = [${input.cniBinDirs.map(quote).join(', ')}]`,
    `conf_dir = ${quote(paths.cniConfDir)}`,
    `[${runtime}.containerd]`,
    'default_runtime_name = "runc"',
    ...runc(`${runtime}.containerd`, paths, input.systemdCgroup),
    `[${images}]`,
    'snapshotter = "overlayfs"',
    `[${images}.pinned_images]`,
    `sandbox = ${quote(pauseImage)}`,
    `[${images}.registry]`,
    `config_path = ${quote(input.registryConfigDir)}`,
  ];
}

function runc(section: string, paths: ContainerdPaths, systemdCgroup: boolean): string[] {
  return [
    `[${section}.runtimes.runc]`,
    'runtime_type = "io.containerd.runc.v2"',
    `[${section}.runtimes.runc.options]`,
    `SystemdCgroup = ${systemdCgroup}`,
    'BinaryName = "runc"',
    `Root = ${quote(paths.runcRoot)}`,
  ];
}

/** A TOML basic string: JSON's escapes are a subset of its own. */
function quote(text: string): string {
  return JSON.stringify(text);
}
