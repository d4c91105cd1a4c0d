/**
 * The data directory: where everything of a cluster lives, whose it is, and who runs it now.
 *
 *   admin.conf            kubeconfig of the administrator
 *   skiff.json            {"format":1,"id":"...","podNetworkCidr":...}: what may not change between runs
 *   run.json              {"pid","startTime","server",...}: who runs it now (absent or stale: nobody)
 *   skiff.log             what a detached cluster says
 *   scheduler.sock        the scheduler's debug endpoint, for `skiff why`
 *   pki/  store/          certificates and keys; the database
 *   nodes/<name>/         a node: containerd's root and state, volumes, CNI leases
 */
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { messageOf } from '../base/errors.ts';

const currentFormat = 1;

export interface Identity {
  readonly format: number;
  readonly id: string;
  readonly podNetworkCidr: string;
  readonly serviceCidr: string;
  readonly runtime: string;
  readonly createdAt: string;
}

/** Who runs the cluster, written when it starts and completed when it is ready. */
export interface RunRecord {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: tells a process from a later one with its number. */
  readonly startTime: string;
  readonly server?: string;
  readonly kubeconfig?: string;
  readonly nodes?: number;
  readonly readyMs?: number;
}

export interface DataDir {
  readonly root: string;
  /** Eight hex digits that names on the host derive from. */
  readonly id: string;
  readonly pki: string;
  readonly store: string;
  readonly nodes: string;
  readonly kubeconfig: string;
  readonly log: string;
  /** Where the scheduler answers questions while the cluster runs. */
  readonly schedulerSocket: string;
}

/** The paths; touches nothing. */
export function dataDirAt(path: string): DataDir {
  const root = resolve(path);
  return {
    root,
    id: createHash('sha256').update(root).digest('hex').slice(0, 8),
    pki: join(root, 'pki'),
    store: join(root, 'store'),
    nodes: join(root, 'nodes'),
    kubeconfig: join(root, 'admin.conf'),
    log: join(root, 'skiff.log'),
    schedulerSocket: join(root, 'scheduler.sock'),
  };
}

/** Makes the directory, or checks that it is one of ours and of this format. Throws with what is wrong and the mend. */
export function openDataDir(
  dir: DataDir,
  wanted: Omit<Identity, 'format' | 'id' | 'createdAt'>,
  nowMs: number,
): Identity {
  try {
    makeDirectory(dir.root);
    accessSync(dir.root, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Error(
      `--data-dir ${dir.root} cannot be written to (${messageOf(error)}); choose another or change its owner`,
      { cause: error },
    );
  }
  const file = join(dir.root, 'skiff.json');
  const known = readIdentity(dir);
  if (!known) {
    if (existsSync(dir.store))
      throw new Error(
        `--data-dir ${dir.root} has a store but no readable skiff.json; it is damaged, or not Skiff's: choose another, or 'skiff reset' it`,
      );
    const identity: Identity = {
      format: currentFormat,
      id: dir.id,
      ...wanted,
      createdAt: new Date(nowMs).toISOString(),
    };
    writeAtomically(file, `${JSON.stringify(identity, null, 2)}\n`);
    return identity;
  }
  if (known.format !== currentFormat)
    throw new Error(
      `--data-dir ${dir.root} is of format ${known.format}, this Skiff knows format ${currentFormat}; run the version that made it, or choose another directory`,
    );
  for (const [key, flag] of [
    ['podNetworkCidr', '--pod-network-cidr'],
    ['serviceCidr', '--service-cidr'],
    ['runtime', '--runtime'],
  ] as const)
    if (known[key] !== wanted[key])
      throw new Error(
        `${flag} ${wanted[key]}: the cluster in ${dir.root} was made with ${known[key]}, and that cannot change; use it, or another --data-dir`,
      );
  return known;
}

/** Not `recursive`: where a parent exists and yet nothing can be made in it (/proc), Node would try for ever. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  mkdirSync(path, { mode: 0o711 });
}

export function readIdentity(dir: DataDir): Identity | undefined {
  try {
    return JSON.parse(readFileSync(join(dir.root, 'skiff.json'), 'utf8')) as Identity;
  } catch {
    return undefined;
  }
}

/** The record of a process that is alive now; undefined when nobody runs the cluster. */
export function runningNow(dir: DataDir): RunRecord | undefined {
  let record: RunRecord;
  try {
    record = JSON.parse(readFileSync(join(dir.root, 'run.json'), 'utf8')) as RunRecord;
  } catch {
    return undefined;
  }
  return startTimeOf(record.pid) === record.startTime ? record : undefined;
}

/** Takes the cluster for this process; throws when another one runs it. */
export function claim(dir: DataDir): void {
  const file = join(dir.root, 'run.json');
  const mine: RunRecord = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' };
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(mine));
  try {
    for (;;) {
      try {
        // link fails when the name is taken: of two that start at once, one wins.
        linkSync(draft, file);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const other = runningNow(dir);
      if (other && other.pid !== process.pid)
        throw new Error(
          `the cluster in ${dir.root} already runs (process ${other.pid}); 'skiff down --data-dir ${dir.root}' stops it`,
        );
      rmSync(file, { force: true });
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Completes the record once the cluster is ready. */
export function publish(dir: DataDir, facts: Omit<RunRecord, 'pid' | 'startTime'>): void {
  const record: RunRecord = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '', ...facts };
  writeAtomically(join(dir.root, 'run.json'), JSON.stringify(record));
}

export function release(dir: DataDir): void {
  if (runningNow(dir)?.pid === process.pid) rmSync(join(dir.root, 'run.json'), { force: true });
}

export function writeAtomically(file: string, text: string, mode = 0o644): void {
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, text, { mode });
  renameSync(draft, file);
}

/** '' where there is no /proc; undefined when there is no such process. */
function startTimeOf(pid: number): string | undefined {
  if (!existsSync('/proc/self/stat')) {
    try {
      process.kill(pid, 0);
      return '';
    } catch {
      return undefined;
    }
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses, which may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Bytes on disk, for `skiff status`; 0 when it is not there. */
export const fileBytes = (file: string): number => (existsSync(file) ? statSync(file).size : 0);
