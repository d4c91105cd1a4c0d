/** `skiff up`: brings a cluster up, says when it is ready, and stays until a signal. */
import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.ts';
import {
  claim,
  dataDirAt,
  openDataDir,
  publish,
  readIdentity,
  release,
  runningNow,
  type DataDir,
} from '../data-dir.ts';
import { cleanHost, takeOverHost } from '../clean-host.ts';
import { startCluster } from '../cluster.ts';
import { mergeKubeconfig, userKubeconfig, writeKubeconfig } from '../kubeconfig.ts';
import { createLogger } from '../logger.ts';
import { Stages } from '../stages.ts';
import type { UpOptions } from './up-options.ts';

/** Why the signal was aborted, when the user asked for it. */
class Stopped extends Error {}

export async function up(options: UpOptions, argv: readonly string[]): Promise<void> {
  const startMs = performance.now();
  const dir = dataDirAt(options.dataDir);
  for (const file of options.loadImage)
    if (!existsSync(file)) throw new Error(`--load-image ${file}: no such file; want an OCI or docker archive`);
  if (options.containerd && !existsSync(options.containerd))
    throw new Error(`--containerd ${options.containerd}: no such file; want a containerd program`);
  if (options.registryConfig && !existsSync(options.registryConfig))
    throw new Error(`--registry-config ${options.registryConfig}: no such directory; want one of REGISTRY/hosts.toml`);
  if (options.runtime === 'containerd' && process.getuid?.() !== 0)
    throw new Error('--runtime containerd needs root; run it as root, or use --runtime hollow, which needs none');
  if (options.detach) return detach(dir, options, argv);

  const log = createLogger(options.verbosity);
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    if (stop.signal.aborted) return;
    log.step(`${signal}: stopping`);
    stop.abort(new Stopped(signal));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);

  // A promise that nobody awaited is a bug of one part; the others need not go down with it.
  process.on('unhandledRejection', (error) =>
    log.warn(`unexpected: ${error instanceof Error ? error.stack : messageOf(error)}`),
  );
  const stages = new Stages(log, stop.signal);
  try {
    const identity = openDataDir(dir, options, Date.now());
    await stages.run(
      'data directory',
      () => claim(dir),
      () => release(dir),
    );
    await stages.run(
      'clean host',
      () => takeOverHost(dir, identity, options.nodes, log),
      () => cleanHost(dir, identity, log),
    );
    const cluster = await startCluster(options, dir, stages, log);
    const kubeconfig = options.kubeconfig ?? dir.kubeconfig;
    writeKubeconfig(kubeconfig, cluster.adminKubeconfig);
    if (options.mergeKubeconfig) mergeKubeconfig(userKubeconfig(), cluster.adminKubeconfig, `skiff-${dir.id}`);
    await cluster.whenReady(stop.signal);
    const readyMs = Math.round(performance.now() - startMs);
    const facts = { server: cluster.server, kubeconfig, nodes: options.nodes, readyMs };
    publish(dir, facts);
    announce(options, { ...facts, pid: process.pid });
    await new Promise<void>((resolve) => {
      if (stop.signal.aborted) resolve();
      else stop.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } catch (error) {
    if (!(stop.signal.aborted && stop.signal.reason === error)) throw error;
  } finally {
    await stages.undoAll();
  }
  // Whatever library still holds a handle: everything of ours is down.
  process.exit(process.exitCode ?? 0);
}

interface ReadyFacts {
  readonly server: string;
  readonly kubeconfig: string;
  readonly nodes: number;
  readonly pid: number;
  readonly readyMs: number;
}

function announce(options: Pick<UpOptions, 'output'>, facts: ReadyFacts): void {
  if (options.output === 'json') console.log(JSON.stringify(facts));
  else {
    console.log(`server ${facts.server}`);
    console.log(`export KUBECONFIG=${facts.kubeconfig}`);
    console.log(`ready in ${(facts.readyMs / 1000).toFixed(1)}s: ${facts.server}, ${facts.kubeconfig}`);
  }
}

/** Starts the same command without --detach in a session of its own, and waits until it is ready or has failed. */
async function detach(dir: DataDir, options: UpOptions, argv: readonly string[]): Promise<void> {
  const other = runningNow(dir);
  if (other)
    throw new Error(
      `the cluster in ${dir.root} already runs (process ${other.pid}); 'skiff down --data-dir ${dir.root}' stops it`,
    );
  // Makes the directory, so that the log has a place; the child checks everything again.
  if (!readIdentity(dir)) openDataDir(dir, options, Date.now());
  writeFileSync(dir.log, '');
  const out = openSync(dir.log, 'a');
  const args = argv.filter((arg) => arg !== '--detach');
  const child = spawn(process.execPath, [process.argv[1]!, ...args], { detached: true, stdio: ['ignore', out, out] });
  const exited = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  for (;;) {
    const code = await Promise.race([exited, new Promise<undefined>((r) => setTimeout(r, 20, undefined))]);
    const run = runningNow(dir);
    if (code !== undefined) {
      const said = readFileSync(join(dir.root, 'skiff.log'), 'utf8').trim().split('\n');
      throw new Error(
        `the cluster did not start (see ${dir.log}): ${said.pop()?.replace(/^skiff: /, '') || messageOf(code)}`,
      );
    }
    if (run?.pid === child.pid && run?.server) {
      announce(options, {
        server: run.server,
        kubeconfig: run.kubeconfig ?? dir.kubeconfig,
        nodes: run.nodes ?? options.nodes,
        pid: run.pid,
        readyMs: run.readyMs ?? 0,
      });
      child.unref();
      return;
    }
  }
}
