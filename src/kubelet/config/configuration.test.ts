import { describe, expect, it } from 'vitest';
import { decodeKubeletConfiguration } from './decode.ts';
import { defaultEvictionHard, withDefaults } from './defaults.ts';
import { unheededFields } from './heeded.ts';
import type { KubeletConfiguration } from './kubelet-configuration.ts';
import { validateKubeletConfiguration } from './validate.ts';

const head = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n';

describe('decodeKubeletConfiguration', () => {
  it("reads the notes' file (checklist 7)", () => {
    const config = decodeKubeletConfiguration(`${head}
evictionHard:
  memory.available: "500Mi"
  nodefs.available: "10%"
  nodefs.inodesFree: "5%"
  imagefs.available: "15%"
  imagefs.inodesFree: "5%"
kubeReserved: {cpu: 200m, memory: 250Mi}
systemReserved: {cpu: 100m}
nodeStatusUpdateFrequency: 60s
`);
    expect(config).toEqual({
      evictionHard: {
        'memory.available': '500Mi',
        'nodefs.available': '10%',
        'nodefs.inodesFree': '5%',
        'imagefs.available': '15%',
        'imagefs.inodesFree': '5%',
      },
      kubeReserved: { cpu: '200m', memory: '250Mi' },
      systemReserved: { cpu: '100m' },
      nodeStatusUpdateFrequency: '1m0s',
    });
  });

  it.each([
    ['an unknown field', `${head}maxPod: 5`, 'strict decoding error: unknown field "maxPod"'],
    ['an unknown field within', `${head}authentication: {x509: {ca: a}}`, 'unknown field "authentication.x509.ca"'],
    ['a field that every object has', `${head}toString: a`, 'unknown field "toString"'],
    ['a field given twice', `${head}maxPods: 5\nmaxPods: 6`, 'key "maxPods" already set in map'],
    ['text for a number', `${head}maxPods: "5"`, 'maxPods: "5": want a whole number of 32 bits'],
    ['too large a number', `${head}maxPods: 2147483648`, 'maxPods: 2147483648: want a whole number of 32 bits'],
    ['a number for a duration', `${head}syncFrequency: 10`, 'syncFrequency: 10: want a duration such as "10s"'],
    ['a wrong item', `${head}clusterDNS: [1]`, 'clusterDNS[0]: 1: want a string'],
    ['another kind', 'apiVersion: v1\nkind: Pod', 'is Pod of v1; want KubeletConfiguration of kubelet.config'],
    ['nothing', '', 'is nothing of no version'],
  ])('refuses %s', (_, document, message) => {
    expect(() => decodeKubeletConfiguration(document)).toThrow(message);
  });

  it('takes null for absent', () => {
    expect(decodeKubeletConfiguration(`${head}maxPods:\nauthentication:\n  x509:\n`)).toEqual({ authentication: {} });
  });
});

describe('withDefaults', () => {
  const cases: readonly (readonly [string, KubeletConfiguration, object])[] = [
    ['nothing', {}, { maxPods: 110, port: 10_250, healthzPort: 10_248, failCgroupV1: true, serializeImagePulls: true }],
    [
      'zero where zero is absence',
      { maxPods: 0, port: 0, address: '' },
      { maxPods: 110, port: 10_250, address: '0.0.0.0' },
    ],
    ['zero where zero is a setting', { healthzPort: 0, registryPullQPS: 0 }, { healthzPort: 0, registryPullQPS: 0 }],
    ['no duration', { syncFrequency: '0s' }, { syncFrequency: '1m0s' }],
    ['one frequency', { nodeStatusUpdateFrequency: '5s' }, { nodeStatusReportFrequency: '5s' }],
    [
      'both frequencies',
      { nodeStatusUpdateFrequency: '5s', nodeStatusReportFrequency: '9s' },
      { nodeStatusReportFrequency: '9s' },
    ],
    ['parallel pulls', { maxParallelImagePulls: 3 }, { serializeImagePulls: false }],
    [
      'a part of an object',
      { authentication: { anonymous: { enabled: true } } },
      { authentication: { anonymous: { enabled: true }, webhook: { enabled: true, cacheTTL: '2m0s' } } },
    ],
    ['no thresholds', {}, { evictionHard: defaultEvictionHard }],
    ['a threshold', { evictionHard: { 'memory.available': '1Gi' } }, { evictionHard: { 'memory.available': '1Gi' } }],
    [
      'a threshold to merge',
      { mergeDefaultEvictionSettings: true, evictionHard: { 'memory.available': '1Gi' } },
      { evictionHard: { ...defaultEvictionHard, 'memory.available': '1Gi' } },
    ],
    ['a negative pid limit', { podPidsLimit: -5 }, { podPidsLimit: -1 }],
  ];
  it.each(cases)('given %s', (_, given, expected) => {
    expect(withDefaults(given)).toMatchObject(expected);
    if (given.evictionHard && !given.mergeDefaultEvictionSettings)
      expect(withDefaults(given).evictionHard).toEqual(given.evictionHard);
  });

  it('is valid on its own', () => {
    expect(validateKubeletConfiguration(withDefaults({}))).toEqual([]);
  });
});

it('unheededFields: what is set, is no default, and does nothing', () => {
  expect(
    unheededFields({ maxPods: 5, cpuManagerPolicy: 'static', syncFrequency: '1m0s', staticPodPath: '/m' }),
  ).toEqual(['cpuManagerPolicy']);
});

describe('validateKubeletConfiguration', () => {
  const cases: readonly (readonly [KubeletConfiguration, string])[] = [
    [{ healthzPort: 65_536 }, 'healthzPort 65536 must be between 1 and 65535, inclusive'],
    [{ oomScoreAdj: -1001 }, 'oomScoreAdj -1001 must be between -1000 and 1000, inclusive'],
    [{ maxPods: -1 }, 'maxPods -1 must be at least 0'],
    [{ containerLogMaxFiles: 1 }, 'containerLogMaxFiles 1 must be at least 2'],
    [
      { imageGCLowThresholdPercent: 85 },
      'imageGCLowThresholdPercent 85 must be less than imageGCHighThresholdPercent 85',
    ],
    [{ imageMaximumGCAge: '1m0s' }, 'imageMaximumGCAge "1m0s" must be greater than imageMinimumGCAge 2m0s'],
    [{ serializeImagePulls: true, maxParallelImagePulls: 2 }, 'needs serializeImagePulls to be false'],
    [{ topologyManagerPolicy: 'best' }, 'topologyManagerPolicy "best" must be one of none, best-effort'],
    [{ authorization: { mode: 'RBAC' } }, 'authorization.mode "RBAC" must be AlwaysAllow or Webhook'],
    [{ shutdownGracePeriod: '500ms' }, 'shutdownGracePeriod "500ms" must be 0 or at least 1s'],
    [{ shutdownGracePeriodCriticalPods: '2s' }, 'must be at most shutdownGracePeriod 0s'],
    [{ crashLoopBackOff: { maxContainerRestartPeriod: '10m0s' } }, 'must be between 1s and 300s'],
    [{ cpuCFSQuotaPeriod: '2s' }, 'cpuCFSQuotaPeriod "2s" must be between 1ms and 1s'],
    [{ enforceNodeAllocatable: ['kube-reserved'] }, 'enforceNodeAllocatable "kube-reserved" needs kubeReservedCgroup'],
    [{ enforceNodeAllocatable: ['none', 'pods'] }, 'enforceNodeAllocatable "none" must stand alone'],
    [{ enforceNodeAllocatable: ['pods', 'pods'] }, 'enforceNodeAllocatable "pods" is given twice'],
    [{ cgroupsPerQOS: false }, 'enforceNodeAllocatable "pods" needs cgroupsPerQOS'],
    [{ kubeReserved: { disk: '1Gi' } }, 'kubeReserved.disk "1Gi" cannot be reserved'],
    [{ systemReserved: { cpu: '-1' } }, 'systemReserved.cpu "-1" must be a quantity of at least 0'],
    [{ evictionHard: { 'disk.free': '1Gi' } }, 'unsupported eviction signal disk.free'],
    [{ evictionSoft: { 'memory.available': '1Gi' } }, 'grace period must be specified for the soft eviction threshold'],
    [{ podLogsDir: '/var/../log' }, 'podLogsDir "/var/../log" must be an absolute path'],
    [{ registerWithTaints: [{ key: 'a', effect: 'Never' }] }, 'needs a key and an effect'],
    [
      { memorySwap: { swapBehavior: 'Unlimited' } },
      'memorySwap.swapBehavior "Unlimited" must be NoSwap or LimitedSwap',
    ],
  ];
  it.each(cases)('refuses %j', (given, message) => {
    const wrong = validateKubeletConfiguration(withDefaults(given));
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toContain(message);
  });
});
