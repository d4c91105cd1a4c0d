/** `skiff status`: whether the cluster runs, where, and how its nodes are. */
import type { Node } from '../../apis/generated/types/core/v1.ts';
import { messageOf } from '../../base/errors.ts';
import { connect } from '../connect.ts';
import { dataDirAt, readIdentity, runningNow } from '../data-dir.ts';
import { UsageError } from '../usage-error.ts';

/** How long the API server may take to answer. */
const patienceMs = 5_000;

/** Prints it; false when the cluster does not run or does not answer. */
export async function status(path: string, output: string): Promise<boolean> {
  if (output !== 'text' && output !== 'json') throw new UsageError(`--output ${output}: want text or json`);
  const dir = dataDirAt(path);
  const run = runningNow(dir);
  const state = run?.server ? 'running' : run ? 'starting' : readIdentity(dir) ? 'stopped' : 'absent';
  let nodes: { readonly name: string; readonly ready: boolean; readonly version: string }[] = [];
  let problem: string | undefined;
  if (state === 'running') {
    try {
      nodes = await nodesOf(run?.kubeconfig ?? dir.kubeconfig);
    } catch (error) {
      problem = messageOf(error);
    }
  }
  if (output === 'json') {
    const { pid, server, kubeconfig } = run ?? {};
    console.log(JSON.stringify({ state, dataDir: dir.root, pid, server, kubeconfig, nodes, problem }));
  } else {
    console.log(`${state}: ${dir.root}${run ? ` (process ${run.pid})` : ''}`);
    if (run?.server) console.log(`server ${run.server}, kubeconfig ${run.kubeconfig}`);
    for (const node of nodes) console.log(`node ${node.name}: ${node.ready ? 'Ready' : 'NotReady'}, ${node.version}`);
    if (problem) console.log(`the API server does not answer: ${problem}`);
  }
  return state === 'running' && problem === undefined;
}

async function nodesOf(kubeconfig: string) {
  const client = await connect(kubeconfig, 'skiff-status');
  try {
    const list = await client
      .resource<Node>({ group: '', version: 'v1', resource: 'nodes' })
      .list({ signal: AbortSignal.timeout(patienceMs) });
    return list.items.map((node) => ({
      name: node.metadata.name ?? '',
      ready: node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false,
      version: node.status?.nodeInfo?.kubeletVersion ?? '',
    }));
  } finally {
    await client.transport.close();
  }
}
