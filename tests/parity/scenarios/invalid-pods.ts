/** Pods that are wrong in one way each: field paths, reasons and messages of what is refused. */
import type { Scenario } from '../scenario.ts';

const path = '/api/v1/namespaces/{ns}/pods?dryRun=All';
const main = { name: 'main', image: 'app:1' };
const pod = (spec: object, metadata: object = {}) => ({
  method: 'POST',
  path,
  body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', ...metadata }, spec: { containers: [main], ...spec } },
});
const container = (fields: object) => pod({ containers: [{ ...main, ...fields }] });
const volume = (source: object, mount: object = {}) =>
  pod({
    volumes: [{ name: 'v', ...source }],
    containers: [{ ...main, volumeMounts: [{ name: 'v', mountPath: '/v', ...mount }] }],
  });

export const invalidPods: readonly Scenario[] = [
  {
    name: 'pods: containers',
    steps: [
      pod({ containers: [] }),
      pod({ containers: [main, main] }),
      pod({ containers: [{ name: 'Bad_Name', image: 'x' }] }),
      pod({ containers: [{ name: 'x' }] }),
      container({ image: ' ' }),
      container({ imagePullPolicy: 'Sometimes' }),
      container({ ports: [{ containerPort: 0 }] }),
      container({ ports: [{ containerPort: 70000 }] }),
      container({ ports: [{ containerPort: 80, protocol: 'X' }] }),
      container({
        ports: [
          { containerPort: 80, name: 'a' },
          { containerPort: 81, name: 'a' },
        ],
      }),
      container({ ports: [{ containerPort: 80, name: 'way-too-long-a-name' }] }),
      container({
        ports: [
          { containerPort: 80, hostPort: 80 },
          { containerPort: 80, hostPort: 80 },
        ],
      }),
      container({ env: [{ name: '' }] }),
      container({ env: [{ name: 'a=b' }] }),
      container({ env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }),
      container({ env: [{ name: 'A', valueFrom: {} }] }),
      container({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.nonsense' } } }] }),
      container({ env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.nonsense' } } }] }),
      container({ envFrom: [{}] }),
      container({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
      container({ resources: { requests: { cpu: '-1' } } }),
      container({ resources: { requests: { nonsense: '1' } } }),
      container({ resources: { requests: { 'example.com/x': '1' } } }),
      container({ resources: { requests: { cpu: 'x' } } }),
      container({ livenessProbe: {} }),
      container({ livenessProbe: { httpGet: { port: 0 } } }),
      container({ livenessProbe: { httpGet: { port: 80 }, tcpSocket: { port: 80 } } }),
      container({
        livenessProbe: { httpGet: { port: 80 }, periodSeconds: -1, timeoutSeconds: -1, successThreshold: 2 },
      }),
      container({ readinessProbe: { exec: { command: [] } } }),
      container({ startupProbe: { grpc: { port: 0 } } }),
      container({ lifecycle: { postStart: {} } }),
      container({ lifecycle: { preStop: { sleep: { seconds: -1 } } } }),
      container({ terminationMessagePolicy: 'X' }),
      container({ securityContext: { runAsUser: -1 } }),
      container({ securityContext: { privileged: true, allowPrivilegeEscalation: false } }),
      container({ securityContext: { capabilities: { add: ['X'] }, procMount: 'X' } }),
      container({ resizePolicy: [{ resourceName: 'nonsense', restartPolicy: 'X' }] }),
      container({ restartPolicy: 'Sometimes' }),
      container({ volumeMounts: [{ name: 'absent', mountPath: '/x' }] }),
      container({ volumeDevices: [{ name: 'absent', devicePath: '/x' }] }),
      pod({ initContainers: [{ ...main, name: 'i', readinessProbe: { tcpSocket: { port: 1 } } }] }),
      pod({ initContainers: [main] }),
      pod({ ephemeralContainers: [{ ...main, name: 'e' }] }),
    ],
  },
  {
    name: 'pods: spec',
    steps: [
      pod({ restartPolicy: 'Sometimes' }),
      pod({ dnsPolicy: 'X' }),
      pod({ dnsPolicy: 'None' }),
      pod({ dnsConfig: { nameservers: ['x', '1.1.1.1', '1.1.1.2', '1.1.1.3'] } }),
      pod({ activeDeadlineSeconds: 0 }),
      pod({ terminationGracePeriodSeconds: -1 }),
      pod({ nodeSelector: { 'bad key!': 'x' } }),
      pod({ nodeName: 'Bad_Node' }),
      pod({ hostname: 'Bad_Host' }),
      pod({ subdomain: 'Bad_Sub' }),
      pod({ hostAliases: [{ ip: 'x', hostnames: ['Bad_Name'] }] }),
      pod({ hostNetwork: true, containers: [{ ...main, ports: [{ containerPort: 80, hostPort: 81 }] }] }),
      pod({ hostPID: true, shareProcessNamespace: true }),
      pod({ tolerations: [{ operator: 'X' }] }),
      pod({ tolerations: [{ operator: 'Exists', value: 'x' }] }),
      pod({ tolerations: [{ key: 'a', effect: 'X' }] }),
      pod({ tolerations: [{ key: 'a', effect: 'NoSchedule', tolerationSeconds: 1 }] }),
      pod({
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } },
      }),
      pod({
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'X' }] }],
            },
          },
        },
      }),
      pod({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{}] } } }),
      pod({
        affinity: {
          podAntiAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 0, podAffinityTerm: { topologyKey: 'a' } }],
          },
        },
      }),
      pod({ topologySpreadConstraints: [{ maxSkew: 0, topologyKey: '', whenUnsatisfiable: 'X' }] }),
      pod({ schedulingGates: [{ name: 'Bad Gate' }] }),
      pod({ readinessGates: [{ conditionType: 'Bad Type' }] }),
      pod({ priorityClassName: 'absent' }),
      pod({ priority: 5 }),
      pod({ preemptionPolicy: 'X' }),
      pod({ overhead: { cpu: '1' } }),
      pod({ runtimeClassName: 'absent' }),
      pod({ runtimeClassName: 'Bad_Class' }),
      pod({ serviceAccountName: 'Bad_Account' }),
      pod({ securityContext: { runAsUser: -1, fsGroup: -1, supplementalGroups: [-1] } }),
      pod({ securityContext: { sysctls: [{ name: 'Bad Name', value: 'x' }, { name: 'a.b' }, { name: 'a.b' }] } }),
      pod({ securityContext: { seccompProfile: { type: 'X' } } }),
      pod({ securityContext: { fsGroupChangePolicy: 'X' } }),
      pod({ os: { name: 'beos' } }),
      pod({ imagePullSecrets: [{}] }),
      pod({ resourceClaims: [{ name: 'c' }] }),
      pod({ enableServiceLinks: 'x' }),
      pod({ setHostnameAsFQDN: true }),
      pod({}, { labels: { a: 'bad value!' }, annotations: { 'bad key!': 'x' } }),
      pod({}, { generateName: 'Bad_', name: '' }),
      pod({}, { deletionGracePeriodSeconds: 5, finalizers: ['a'] }),
    ],
  },
  {
    name: 'pods: volumes',
    steps: [
      volume({}),
      volume({ emptyDir: {}, hostPath: { path: '/x' } }),
      volume({ emptyDir: { medium: 'X', sizeLimit: '-1' } }),
      volume({ hostPath: { path: '' } }),
      volume({ hostPath: { path: '/../x', type: 'X' } }),
      volume({ configMap: {} }),
      volume({ configMap: { name: 'c', defaultMode: 9999, items: [{ key: '', path: '../x' }] } }),
      volume({ secret: {} }),
      volume({ secret: { secretName: 's', items: [{ key: 'k', path: '/abs' }] } }),
      volume({ downwardAPI: { items: [{ path: 'x' }] } }),
      volume({ downwardAPI: { items: [{ path: 'x', fieldRef: { fieldPath: 'spec.nodeName' } }] } }),
      volume({ projected: {} }),
      volume({ projected: { sources: [{ serviceAccountToken: { path: '', expirationSeconds: 1 } }] } }),
      volume({ persistentVolumeClaim: {} }),
      volume({ nfs: {} }),
      volume({ csi: {} }),
      volume({ image: {} }),
      volume({ ephemeral: {} }),
      volume({ emptyDir: {} }, { mountPath: '' }),
      volume({ emptyDir: {} }, { subPath: '../x' }),
      volume({ emptyDir: {} }, { subPath: 'a', subPathExpr: 'b' }),
      volume({ emptyDir: {} }, { mountPropagation: 'X' }),
      volume({ emptyDir: {} }, { mountPropagation: 'Bidirectional' }),
      volume({ emptyDir: {} }, { recursiveReadOnly: 'Enabled' }),
      pod({
        volumes: [
          { name: 'v', emptyDir: {} },
          { name: 'v', emptyDir: {} },
        ],
      }),
      pod({ volumes: [{ name: 'Bad_Name', emptyDir: {} }] }),
    ],
  },
];
