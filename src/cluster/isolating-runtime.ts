/** The runtime as the kubelet gets it: a pod's sandbox counts as made when the network policies hold for its addresses. */
import type { ContainerRuntime } from '../kubelet/runtime/runtime.ts';
import type { NetworkPolicies } from '../network/policy/network-policies.ts';

export function isolatingRuntime<T extends ContainerRuntime>(
  runtime: T,
  policies: Pick<NetworkPolicies, 'isolate' | 'enforcing'>,
): T {
  const runPodSandbox: ContainerRuntime['runPodSandbox'] = async (config, handler) => {
    const id = await runtime.runPodSandbox(config, handler);
    if (!policies.enforcing) return id;
    const { network } = await runtime.podSandboxStatus(id);
    const ips = network?.ip ? [network.ip, ...network.additionalIps.map(({ ip }) => ip)] : [];
    await policies.isolate(config.metadata, ips);
    return id;
  };
  return new Proxy(runtime, {
    get: (target, name) => {
      if (name === 'runPodSandbox') return runPodSandbox;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
