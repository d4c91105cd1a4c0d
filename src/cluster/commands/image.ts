/** `skiff image load|list`: the images of every node, through each node's own containerd. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { runCommand } from '../../base/node/command.ts';
import { ctrBeside, importedNames, lastBinary } from '../../kubelet/runtime/containerd/containerd.ts';
import { containerdPaths } from '../../kubelet/runtime/containerd/paths.ts';
import { nodeDirectories } from '../clean-host.ts';
import { dataDirAt, readIdentity, runningNow } from '../data-dir.ts';

export async function loadImages(path: string, files: readonly string[]): Promise<void> {
  for (const file of files)
    if (!existsSync(file)) throw new Error(`image load ${resolve(file)}: no such file; want an OCI or docker archive`);
  for (const { name, ctr } of runningNodes(path))
    for (const file of files) {
      const out = await ctr('images', 'import', resolve(file));
      console.log(`${name}: ${importedNames(out).join(', ') || `nothing for this platform in ${file}`}`);
    }
}

export async function listImages(path: string): Promise<void> {
  for (const { name, ctr } of runningNodes(path)) {
    const names = (await ctr('images', 'list', '--quiet')).split('\n');
    for (const image of names.filter((n) => n !== '' && !n.startsWith('sha256:'))) console.log(`${name}\t${image}`);
  }
}

/** An import of a large image on a slow disk takes minutes. */
const timeoutMs = 600_000;

function runningNodes(path: string) {
  const dir = dataDirAt(path);
  const identity = readIdentity(dir);
  if (!identity || !runningNow(dir))
    throw new Error(`image: the cluster in ${dir.root} does not run; start it with 'skiff up --data-dir ${dir.root}'`);
  if (identity.runtime !== 'containerd')
    throw new Error(`image: nodes of runtime ${identity.runtime} hold no images; this needs --runtime containerd`);
  // Of nodes that an earlier run had more of, only the directories are there.
  const nodes = nodeDirectories(dir).filter((node) => existsSync(containerdPaths(node).socket));
  return nodes.map((node) => ({
    name: basename(node),
    ctr: (...args: string[]) =>
      runCommand(
        ctrBeside(lastBinary(containerdPaths(node))),
        ['--address', containerdPaths(node).socket, '--namespace', 'k8s.io', ...args],
        { timeoutMs },
      ),
  }));
}
