import { describe, expect, test } from 'vitest';
import type { Pod, PodSpec } from '../../../apis/generated/types/core/v1.ts';
import type { KubeObject } from '../../../machinery/meta/object.ts';
import { messageOf } from '../../../base/errors.ts';
import { attributesOf, lookupOf } from '../testing.ts';
import { PodSecurity } from './plugin.ts';

const key = (mode: string) => `pod-security.kubernetes.io/${mode}`;
const namespace = (labels: Record<string, string>): KubeObject => ({ metadata: { name: 'ns', labels } });

const hardened: PodSpec = {
  securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [
    { name: 'c', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
    { name: 'd', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
  ],
};
const plain: PodSpec = { containers: [{ name: 'c' }, { name: 'd' }] };

/** The refusal ('' when there is none) and the warnings. */
function ask(labels: Record<string, string>, spec: PodSpec, resource = 'pods') {
  const plugin = new PodSecurity(lookupOf({ namespaces: [namespace(labels)] }));
  const pod: Pod = { metadata: { name: 'p', namespace: 'ns' }, spec };
  const isPod = resource === 'pods';
  const object = (isPod ? pod : { metadata: { name: 'w' }, spec: { template: pod } }) as KubeObject;
  const attributes = attributesOf({ resource, group: isPod ? '' : 'apps', namespace: 'ns', object });
  try {
    plugin.validate(attributes);
    return { refusal: '', warnings: attributes.context.warnings };
  } catch (error) {
    return { refusal: messageOf(error), warnings: attributes.context.warnings };
  }
}

test('a namespace without labels takes every pod', () => {
  expect(ask({}, { ...plain, hostNetwork: true })).toEqual({ refusal: '', warnings: [] });
});

test('restricted says all that is missing', () => {
  expect(ask({ [key('enforce')]: 'restricted' }, plain).refusal).toBe(
    'pods "p" is forbidden: violates PodSecurity "restricted:latest": ' +
      'allowPrivilegeEscalation != false (containers "c", "d" must set securityContext.allowPrivilegeEscalation=false), ' +
      'unrestricted capabilities (containers "c", "d" must set securityContext.capabilities.drop=["ALL"]), ' +
      'runAsNonRoot != true (pod or containers "c", "d" must set securityContext.runAsNonRoot=true), ' +
      'seccompProfile (pod or containers "c", "d" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  );
  expect(ask({ [key('enforce')]: 'restricted' }, hardened).refusal).toBe('');
});

describe('baseline refuses', () => {
  const first = (more: object): PodSpec => ({ containers: [{ name: 'c', ...more }] });
  test.each<[string, PodSpec]>([
    ['host namespaces (hostNetwork=true, hostPID=true)', { ...plain, hostNetwork: true, hostPID: true }],
    ['hostPath volumes (volume "v")', { ...plain, volumes: [{ name: 'v', hostPath: { path: '/' } }] }],
    ['hostPort (container "c" uses hostPort 80)', first({ ports: [{ containerPort: 1, hostPort: 80 }] })],
    [
      'privileged (container "c" must not set securityContext.privileged=true)',
      first({ securityContext: { privileged: true } }),
    ],
    [
      'non-default capabilities (container "c" must not include "NET_ADMIN" in securityContext.capabilities.add)',
      first({ securityContext: { capabilities: { add: ['NET_ADMIN', 'CHOWN'] } } }),
    ],
    [
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
      { ...plain, securityContext: { seccompProfile: { type: 'Unconfined' } } },
    ],
    [
      'forbidden sysctls (kernel.msgmax)',
      { ...plain, securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } },
    ],
    [
      'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "x"; user may not be set)',
      { ...plain, securityContext: { seLinuxOptions: { type: 'x', user: 'u' } } },
    ],
    [
      'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
      first({ securityContext: { procMount: 'Unmasked' } }),
    ],
    [
      'probe or lifecycle host (container "c" uses probe or lifecycle host "h")',
      first({ livenessProbe: { httpGet: { host: 'h', port: 1 } } }),
    ],
  ])('%s', (text, spec) => {
    expect(ask({ [key('enforce')]: 'baseline' }, spec).refusal).toBe(
      `pods "p" is forbidden: violates PodSecurity "baseline:latest": ${text}`,
    );
  });
});

test('a policy is as of its version', () => {
  const spec: PodSpec = { ...plain, securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] } };
  expect(ask({ [key('enforce')]: 'baseline' }, spec).refusal).toBe('');
  expect(ask({ [key('enforce')]: 'baseline', [key('enforce-version')]: 'v1.31' }, spec).refusal).toMatch(
    /violates PodSecurity "baseline:v1.31": forbidden sysctls \(net.ipv4.tcp_rmem\)$/,
  );
});

test('workloads are warned of what their pods would violate', () => {
  const { refusal, warnings } = ask({ [key('enforce')]: 'baseline' }, { ...plain, hostIPC: true }, 'deployments');
  expect([refusal, warnings]).toEqual([
    '',
    ['would violate PodSecurity "baseline:latest": host namespaces (hostIPC=true)'],
  ]);
  expect(ask({ [key('warn')]: 'baseline' }, { ...plain, hostIPC: true }).warnings).toHaveLength(1);
});

test('a namespace is told of the pods that violate its new level, and of labels that mean nothing', () => {
  const pods = ['b', 'a', 'c'].map((name) => ({
    metadata: { name, namespace: 'ns' },
    spec: { ...plain, hostPID: true },
  }));
  const plugin = new PodSecurity(lookupOf({ pods: pods as KubeObject[] }));
  const update = (labels: Record<string, string>) =>
    attributesOf({
      operation: 'UPDATE',
      resource: 'namespaces',
      object: namespace(labels),
      oldObject: namespace({}),
    });
  const raised = update({ [key('enforce')]: 'baseline' });
  plugin.validate(raised);
  expect(raised.context.warnings).toEqual([
    'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"',
    'a (and 2 other pods): host namespaces',
  ]);
  expect(() => plugin.validate(update({ [key('enforce')]: 'strict' }))).toThrow(
    'metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
  );
});
