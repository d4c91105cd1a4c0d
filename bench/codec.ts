// What reading and writing a typed object costs beside JSON.parse and JSON.stringify: `npm run bench -- codec`.
import { schemaOf } from '../src/apis/scheme.ts';
import { startBench } from './harness.ts';

const time = '2026-01-01T00:00:00Z';
const probe = {
  httpGet: { path: '/', port: 8080, scheme: 'HTTP' },
  timeoutSeconds: 1,
  periodSeconds: 10,
  failureThreshold: 3,
};

/** A pod as it is once it runs, 3.5 KB. */
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web-5d4f7c9b8-abcde',
    generateName: 'web-5d4f7c9b8-',
    namespace: 'default',
    uid: '3b0c2a43-2a8e-4c36-9c4f-111111111111',
    creationTimestamp: time,
    labels: { app: 'web', 'pod-template-hash': '5d4f7c9b8' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f7c9b8', uid: 'x', controller: true }],
    managedFields: ['kube-controller-manager', 'kubelet'].map((manager) => ({
      manager,
      operation: 'Update',
      apiVersion: 'v1',
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:image': {}, 'f:name': {} } } } },
    })),
  },
  spec: {
    volumes: [
      { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }], defaultMode: 420 } },
    ],
    containers: ['web', 'sidecar'].map((name) => ({
      name,
      image: 'busybox:1.36',
      command: ['sh', '-c', 'hostname > /tmp/index.html; httpd -f -p 8080 -h /tmp'],
      env: [
        { name: 'A', value: '1' },
        { name: 'B', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
      ],
      ports: [{ containerPort: 8080, protocol: 'TCP' }],
      resources: { limits: { cpu: '500m', memory: '128Mi' }, requests: { cpu: '250m', memory: '64Mi' } },
      volumeMounts: [{ name: 'token', readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
      livenessProbe: probe,
      terminationMessagePath: '/dev/termination-log',
      imagePullPolicy: 'IfNotPresent',
    })),
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    serviceAccountName: 'default',
    nodeName: 'node-1',
    securityContext: {},
    tolerations: [
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    ],
  },
  status: {
    phase: 'Running',
    conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: time,
    })),
    podIPs: [{ ip: '10.244.0.5' }],
    containerStatuses: [{ name: 'web', ready: true, restartCount: 0, state: { running: { startedAt: time } } }],
  },
};
const configMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'default' },
  data: { 'a.conf': 'key = value\n'.repeat(300), b: 'c' },
};

const bench = startBench('codec');
const decoder = new TextDecoder();
const encoder = new TextEncoder();
for (const object of [pod, configMap]) {
  const bytes = encoder.encode(JSON.stringify(object));
  const schema = schemaOf('', 'v1', object.kind);
  const decoded = schema.decode(bytes).object;
  const micros = (what: string, once: () => unknown): Promise<number> =>
    bench.measure(`${object.kind}, ${bytes.length} bytes: ${what}`, 'us', () => {
      const start = performance.now();
      for (let i = 0; i < 3000; i++) once();
      return (performance.now() - start) / 3;
    });
  await micros('JSON.parse', () => JSON.parse(decoder.decode(bytes)));
  await micros('decode', () => schema.decode(bytes));
  await micros('JSON.stringify', () => encoder.encode(JSON.stringify(decoded)));
  await micros('encode', () => schema.encode(decoded));
  await micros('defaults and validation', () => {
    schema.applyDefaults(decoded);
    schema.validate(decoded);
  });
}
