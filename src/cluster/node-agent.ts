/**
 * `skiff node-agent`: one node in a process of its own, in the network namespace that it was started in. Run by `up` for
 * every node past the first; it knows the API server by HTTPS alone, as a node on another machine would.
 *
 * The parent holds its stdin: when that closes (the parent asks, or is dead), the node shuts down as a machine would.
 * On stdout goes one line, an `AgentMessage`; everything else goes to stderr.
 */
import { readFileSync } from 'node:fs';
import { messageOf } from '../base/errors.ts';
import { connect } from './connect.ts';
import { createLogger } from './logger.ts';
import { startNode, type NodeOptions } from './node.ts';
import { Stages } from './stages.ts';

/** What the file of `--config` holds, as JSON. */
export interface AgentConfig {
  readonly node: NodeOptions;
  /** Kubeconfig files: of the node, of its proxy, of what follows policies, and of what makes volumes. */
  readonly kubeletKubeconfig: string;
  readonly proxyKubeconfig: string;
  readonly networkKubeconfig: string;
  readonly localPathKubeconfig: string;
  readonly verbosity: number;
}

export type AgentMessage = { readonly ready: true } | { readonly error: string };

/** Nobody may be there to kill us: past this, what is left is for the next run to clean. */
const mostStopMs = 15_000;

/** Ends the process. */
export async function nodeAgent(configFile: string): Promise<never> {
  const { node, kubeletKubeconfig, proxyKubeconfig, networkKubeconfig, localPathKubeconfig, verbosity } = JSON.parse(
    readFileSync(configFile, 'utf8'),
  ) as AgentConfig;
  // A parent that was killed reads no more: that must not end us before our containers are down.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const log = createLogger(verbosity, (line) => process.stderr.write(`${node.name}: ${line}\n`));
  process.on('unhandledRejection', (error) =>
    log.warn(`unexpected: ${error instanceof Error ? error.stack : messageOf(error)}`),
  );
  const stop = new AbortController();
  const end = () => {
    if (stop.signal.aborted) return;
    setTimeout(() => process.exit(1), mostStopMs).unref();
    stop.abort(new Error(`${node.name} is told to stop`));
  };
  process.stdin.on('end', end).on('error', end).resume();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);

  const stages = new Stages(log, stop.signal);
  let code = 0;
  try {
    const [kubelet, proxy, network, localPath] = await Promise.all([
      connect(kubeletKubeconfig, 'kubelet'),
      connect(proxyKubeconfig, 'kube-proxy'),
      connect(networkKubeconfig, 'skiff-network'),
      connect(localPathKubeconfig, 'skiff-local-path'),
    ]);
    await startNode(node, { kubelet, proxy, network, localPath }, stages, log);
    tell({ ready: true });
    if (!stop.signal.aborted)
      await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
  } catch (error) {
    if (!stop.signal.aborted) {
      tell({ error: messageOf(error) });
      code = 1;
    }
  }
  await stages.undoAll();
  process.exit(code);
}

const tell = (message: AgentMessage): boolean => process.stdout.write(`${JSON.stringify(message)}\n`);
