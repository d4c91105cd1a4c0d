import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { realClock } from '../../../base/node/real-clock.ts';
import { containerdConfig } from './config.ts';
import { Containerd } from './containerd.ts';
import { containerdPaths } from './paths.ts';

const root = mkdtempSync(join(tmpdir(), 'skiff-containerd-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('where containerd keeps what', () => {
  it('is below the data directory, and the same every time', () => {
    const paths = containerdPaths('/var/lib/skiff/nodes/a');
    expect(containerdPaths('/var/lib/skiff/nodes/../nodes/a')).toEqual(paths);
    expect(paths.nodeId).toMatch(/^[0-9a-f]{8}$/);
    for (const path of [paths.root, paths.state, paths.socket, paths.cniConfDir])
      expect(path.startsWith('/var/lib/skiff/nodes/a/')).toBe(true);
    expect(containerdPaths('/var/lib/skiff/nodes/b').nodeId).not.toBe(paths.nodeId);
  });

  it('has its socket elsewhere where the path would be too long for one', () => {
    const paths = containerdPaths(`/home/${'x'.repeat(90)}/skiff`);
    expect(paths.socket).toBe(`/run/skiff-${paths.nodeId}/containerd.sock`);
    expect(paths.state.startsWith('/home/')).toBe(true);
  });
});

describe('the configuration', () => {
  const input = {
    paths: containerdPaths('/data "x"'),
    systemdCgroup: false,
    restrictOomScoreAdj: true,
    cniBinDirs: ['/usr/lib/cni', '/opt/cni/bin'],
    registryConfigDir: '/certs.d',
  };

  it.each([
    [1, 'version = 2', 'bin_dir = "/usr/lib/cni"', 'sandbox_image = "registry.k8s.io/pause:3.10"'],
    [2, 'version = 3', 'bin_dirs = ["/usr/lib/cni", "/opt/cni/bin"]', 'sandbox = "registry.k8s.io/pause:3.10"'],
  ])('of containerd %s has its names', (major, ...lines) => {
    const text = containerdConfig({ ...input, major }).split('\n');
    expect(text).toEqual(
      expect.arrayContaining([
        ...lines,
        'restrict_oom_score_adj = true',
        'SystemdCgroup = false',
        'disable_apparmor = true',
        'config_path = "/certs.d"',
      ]),
    );
    expect(text).toContain('root = "/data \\"x\\"/containerd/root"');
  });
});

describe('a containerd that will not run', () => {
  const start = (name: string, binary: string) =>
    new Containerd({ dataDir: join(root, name), binary }, { clock: realClock, log: () => {} }).start();
  const script = (name: string, text: string) => {
    const path = join(root, name);
    writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return path;
  };

  it('is missing', async () => {
    await expect(start('a', '/nonexistent/containerd')).rejects.toThrow(
      /^starting containerd: '\/nonexistent\/containerd' cannot be run \(.*\); install it: apt-get install containerd runc$/,
    );
  });

  it('is something else', async () => {
    await expect(start('b', script('other', 'echo hello'))).rejects.toThrow('names no version: hello');
  });

  it('ends at once: its last words are told', async () => {
    const text = 'if [ "$1" = --version ]; then echo "containerd x 1.6.20"; else echo "no such plugin" >&2; exit 3; fi';
    await expect(start('c', script('broken', text))).rejects.toThrow(
      'starting containerd: it ended with exit code 3; its log ends with: no such plugin',
    );
  });
});
