import type { Pod } from '../types.ts';

/** Prometheus' text form, with upstream's names. */
export function metricsText(nodeName: string, deps: { readonly pods: () => readonly Pod[] }): string {
  const pods = deps.pods();
  const running = pods.filter((pod) => pod.status?.phase === 'Running').length;
  return [
    '# HELP kubelet_node_name [ALPHA] The node name. The value is always 1.',
    '# TYPE kubelet_node_name gauge',
    `kubelet_node_name{node="${nodeName}"} 1`,
    '# HELP kubelet_running_pods [BETA] Number of pods that have a running pod sandbox',
    '# TYPE kubelet_running_pods gauge',
    `kubelet_running_pods ${running}`,
    '',
  ].join('\n');
}
