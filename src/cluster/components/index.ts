/** The components that run alone, by upstream's names. A new one is a file and a line here. */
import type { Command } from 'commander';

/** Loaded only when named: each brings a layer of its own. */
export const components: Readonly<Record<string, () => Promise<(command: Command) => Command>>> = {
  'kube-apiserver': async () => (await import('./kube-apiserver.ts')).addKubeApiserver,
  'kube-controller-manager': async () => (await import('./kube-controller-manager.ts')).addKubeControllerManager,
  'kube-scheduler': async () => (await import('./kube-scheduler.ts')).addKubeScheduler,
  kubelet: async () => (await import('./kubelet.ts')).addKubelet,
  'cloud-controller-manager': async () => (await import('./cloud-controller-manager.ts')).addCloudControllerManager,
  'kube-proxy': async () => (await import('./kube-proxy.ts')).addKubeProxy,
};
