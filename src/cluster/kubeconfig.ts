/** Writing the administrator's kubeconfig, and merging its context into the user's own. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { messageOf } from '../base/errors.ts';
import { writeAtomically } from './data-dir.ts';

/** Keys inside are secret: only the owner may read it. */
export function writeKubeconfig(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeAtomically(file, text, 0o600);
}

interface Named {
  readonly name: string;
}

interface Kubeconfig {
  clusters?: Named[] | null;
  users?: Named[] | null;
  contexts?: (Named & { context: { cluster: string; user: string } })[] | null;
  'current-context'?: string;
}

/** Where kubectl would write: the first file of $KUBECONFIG, or ~/.kube/config. */
export const userKubeconfig = (): string =>
  (process.env['KUBECONFIG'] ?? '').split(':').find((f) => f !== '') ?? join(homedir(), '.kube', 'config');

/** Adds (or replaces) cluster, user and context `skiff-ID`, and makes it the current one; everything else stays. */
export function mergeKubeconfig(file: string, adminText: string, name: string): void {
  let target: Kubeconfig = {};
  if (existsSync(file)) {
    try {
      target = (parse(readFileSync(file, 'utf8')) as Kubeconfig | null) ?? {};
    } catch (error) {
      throw new Error(`--merge-kubeconfig: ${file} is not YAML (${messageOf(error)}); mend it, or leave the flag out`);
    }
  }
  const admin = parse(adminText) as Kubeconfig;
  const put = <T extends Named>(list: T[] | null | undefined, item: T): T[] => [
    ...(list ?? []).filter((i) => i.name !== item.name),
    item,
  ];
  target.clusters = put(target.clusters, { ...admin.clusters![0]!, name });
  target.users = put(target.users, { ...admin.users![0]!, name });
  target.contexts = put(target.contexts, { name, context: { cluster: name, user: name } });
  target['current-context'] = name;
  mkdirSync(dirname(file), { recursive: true });
  writeAtomically(file, stringify({ apiVersion: 'v1', kind: 'Config', preferences: {}, ...target }), 0o600);
}
