/** The settings in force by the names of kubelet.config.k8s.io/v1beta1 KubeletConfiguration: what `/configz` shows. */
export function effectiveConfiguration(options: {
  readonly address: string;
  readonly port: number;
  readonly maxPods: number;
}): Readonly<Record<string, unknown>> {
  return {
    ...options,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true, cacheTTL: '2m0s' } },
    authorization: { mode: 'Webhook' },
    nodeStatusUpdateFrequency: '10s',
    nodeStatusReportFrequency: '5m0s',
    nodeLeaseDurationSeconds: 40,
    failCgroupV1: false,
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '10%' },
    containerLogMaxSize: '10Mi',
    containerLogMaxFiles: 5,
  };
}
