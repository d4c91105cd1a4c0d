/** What the loads send. Marks in the texts are filled in by the generator (load/template.go). */

/** Which object. */
export const which = '#########';
/** Another text with every request. */
export const differs = '~~~~~~~~~';
/** When it was sent. */
export const sent = '@'.repeat(19);

/** The rights of who makes the loads: rules like a controller's, no wildcard. */
export const loadRole = {
  metadata: { name: 'load' },
  rules: [
    rule([''], ['configmaps', 'pods', 'pods/status', 'nodes', 'namespaces']),
    rule(['apps'], ['deployments', 'deployments/status', 'replicasets']),
    rule(['coordination.k8s.io'], ['leases']),
    rule(['scheduling.k8s.io'], ['priorityclasses']),
  ],
};

function rule(apiGroups: string[], resources: string[]) {
  const verbs = ['create', 'get', 'list', 'watch', 'update', 'patch', 'delete', 'deletecollection'];
  return { apiGroups, resources, verbs };
}

export const configMap = (name: string, extra: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { value: 'x'.repeat(1024), ...extra },
});

/** A pod as a Deployment makes them for a service of some size; 5 KB as stored, managedFields included. */
export const pod = (name: string, change: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    labels: { app: 'shop', component: 'checkout', 'pod-template-hash': '7d4b9c6f5', change },
    annotations: {
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': '9090',
      'example.com/checksum': 'a'.repeat(64),
    },
  },
  spec: {
    containers: [
      {
        name: 'app',
        image: 'registry.example.com/shop/checkout:v1.42.0',
        args: ['--listen=:8080', '--metrics=:9090', '--config=/etc/checkout/config.yaml'],
        ports: [
          { name: 'http', containerPort: 8080 },
          { name: 'metrics', containerPort: 9090 },
        ],
        env: [
          { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'DATABASE_HOST', value: 'postgres.shop.svc.cluster.local' },
          { name: 'CACHE_HOST', value: 'redis.shop.svc.cluster.local' },
          { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'checkout', key: 'token' } } },
        ],
        resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
        livenessProbe: { httpGet: { path: '/livez', port: 'http' }, periodSeconds: 10 },
        readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 5 },
        volumeMounts: [
          { name: 'config', mountPath: '/etc/checkout', readOnly: true },
          { name: 'scratch', mountPath: '/tmp' },
        ],
      },
    ],
    volumes: [
      { name: 'config', configMap: { name: 'checkout' } },
      { name: 'scratch', emptyDir: {} },
    ],
    securityContext: { runAsNonRoot: true, runAsUser: 10001 },
    // Said here, so that the same text can be put again: admission adds nothing to it.
    serviceAccountName: 'default',
    automountServiceAccountToken: false,
  },
});

/** What a kubelet reports of that pod when it runs. */
export const runningStatus = {
  status: {
    phase: 'Running',
    hostIP: '10.0.0.7',
    hostIPs: [{ ip: '10.0.0.7' }],
    podIP: '10.216.3.9',
    podIPs: [{ ip: '10.216.3.9' }],
    startTime: '2026-01-01T00:00:00Z',
    conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(
      (type) => ({
        type,
        status: 'True',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      }),
    ),
    containerStatuses: [
      {
        name: 'app',
        ready: true,
        started: true,
        restartCount: 0,
        image: 'registry.example.com/shop/checkout:v1.42.0',
        imageID: `registry.example.com/shop/checkout@sha256:${'b'.repeat(64)}`,
        containerID: `containerd://${'c'.repeat(64)}`,
        state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
      },
    ],
  },
};

export const deployment = (name: string, replicas: number, change: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, labels: { app: 'shop' }, annotations: { change } },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'app', image: 'registry.example.com/shop/checkout:v1.42.0' }] },
    },
  },
});

/** A node as its kubelet registers it. */
export const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: `node-${which}`,
    labels: { 'kubernetes.io/hostname': `node-${which}`, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' },
  },
  status: {
    capacity: { cpu: '32', memory: '256Gi', pods: '500' },
    allocatable: { cpu: '32', memory: '256Gi', pods: '500' },
    conditions: ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map((type) => ({
      type,
      status: type === 'Ready' ? 'True' : 'False',
      reason: 'KubeletReport',
      lastHeartbeatTime: '2026-01-01T00:00:00Z',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    })),
    addresses: [{ type: 'Hostname', address: `node-${which}` }],
    nodeInfo: {
      architecture: 'amd64',
      bootID: '',
      containerRuntimeVersion: 'hollow://1',
      kernelVersion: '6.1',
      kubeProxyVersion: '',
      kubeletVersion: 'v1.36.3',
      machineID: '',
      operatingSystem: 'linux',
      osImage: 'hollow',
      systemUUID: '',
    },
  },
};

export const lease = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: `node-${which}` },
  spec: { holderIdentity: `node-${which}`, leaseDurationSeconds: 40, renewTime: '2026-01-01T00:00:00.000000Z' },
};
