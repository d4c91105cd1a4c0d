import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import type { KubeletConfiguration } from '../../kubelet/config/kubelet-configuration.ts';
import { addConfigurationFlags, withConfigurationFlags } from './kubelet-flags.ts';

function read(args: readonly string[], file: KubeletConfiguration = {}): KubeletConfiguration {
  const command = addConfigurationFlags(new Command().exitOverride().configureOutput({ writeErr: () => {} }));
  command.parse(args, { from: 'user' });
  return withConfigurationFlags(file, command.opts());
}

describe('flags of the kubelet', () => {
  it("say what the notes' configuration says (checklist 7)", () => {
    const args = [
      '--kube-reserved=cpu=200m,memory=250Mi',
      '--system-reserved=cpu=100m',
      '--eviction-hard=memory.available<500Mi,nodefs.available<10%',
    ];
    expect(read(args)).toEqual({
      kubeReserved: { cpu: '200m', memory: '250Mi' },
      systemReserved: { cpu: '100m' },
      evictionHard: { 'memory.available': '500Mi', 'nodefs.available': '10%' },
    });
  });

  it('win over the file; feature gates are merged', () => {
    const file: KubeletConfiguration = {
      maxPods: 5,
      port: 1,
      featureGates: { A: true, B: true },
      authentication: { anonymous: { enabled: true } },
    };
    const args = ['--max-pods=7', '--feature-gates=B=false', '--anonymous-auth=false', '--client-ca-file=/ca'];
    expect(read(args, file)).toEqual({
      maxPods: 7,
      port: 1,
      featureGates: { A: true, B: false },
      authentication: { anonymous: { enabled: false }, x509: { clientCAFile: '/ca' } },
    });
    expect(file.featureGates).toEqual({ A: true, B: true });
  });

  it.each<[string, KubeletConfiguration]>([
    ['--cgroups-per-qos', { cgroupsPerQOS: true }],
    ['--fail-cgroupv1=false', { failCgroupV1: false }],
    ['--sync-frequency=90s', { syncFrequency: '1m30s' }],
    ['--oom-score-adj=-5', { oomScoreAdj: -5 }],
    [
      '--register-with-taints=a=b:NoSchedule,c:NoExecute',
      {
        registerWithTaints: [
          { key: 'a', value: 'b', effect: 'NoSchedule' },
          { key: 'c', effect: 'NoExecute' },
        ],
      },
    ],
  ])('%s', (flag, expected) => {
    expect(read([flag])).toEqual(expected);
  });

  it.each([
    '--max-pods=many',
    '--eviction-hard=memory.available=5',
    '--sync-frequency=10',
    '--register-with-taints=a=b:Never',
  ])('refuses %s', (flag) => {
    expect(() => read([flag])).toThrow('is invalid');
  });
});
