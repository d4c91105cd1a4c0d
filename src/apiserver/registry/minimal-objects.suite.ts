/** For each stored resource the least that upstream's validation takes, less type meta and metadata. */

const template = (labels: object) => ({
  metadata: { labels },
  spec: { containers: [{ name: 'c', image: 'busybox' }] },
});
const selector = { matchLabels: { app: 'x' } };
const webhook = {
  name: 'a.example.com',
  clientConfig: { url: 'https://example.com/hook' },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};
const policyMatch = {
  resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
};

/** Of `CN=x`, in PEM, in base64. */
const signingRequest =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIRk1HNENBUUF3RERFS01BZ0dBMVVFQXd3QmVEQlpNQk1HQnlxR1NNNDlBZ0VHQ0NxR1NNNDlBd0VIQTBJQQpCTHFsUDZWcTM3OEZPdjdtbDR0L0ZscDdDWW1KT1M0K0dMOGpoWXBHV2JEcHBvNXZQeXVHYitTMUV0MktTWkNXCnMrSENLenl0UVFGNWh4d2tmY01jRkxPZ0FEQUtCZ2dxaGtqT1BRUURBZ05IQURCRUFpQlh5V2huaWxBYk9ONVYKK0l1L3hxdTFpZGs2eFU2dDFWUWFWL0ptbVVIUm1nSWdVaXpyOWk3YnJ4M3VxblBQWEtOU3FIL1pHcWFDTGRxUQpJWlQ2SVlIOFY3Zz0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==';

/** By `group/plural`. */
export const minimalObjects: Readonly<Record<string, object>> = {
  '/configmaps': { data: { a: 'b' } },
  '/endpoints': { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] },
  '/events': {
    involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
    reason: 'Testing',
    message: 'a test',
    type: 'Normal',
  },
  '/limitranges': { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } },
  '/namespaces': {},
  '/nodes': {},
  '/persistentvolumeclaims': {
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  },
  '/persistentvolumes': {
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/tmp/x' } },
  },
  '/pods': { spec: { containers: [{ name: 'c', image: 'busybox' }] } },
  '/podtemplates': { template: template({ app: 'x' }) },
  '/replicationcontrollers': { spec: { selector: { app: 'x' }, template: template({ app: 'x' }) } },
  '/resourcequotas': { spec: { hard: { pods: '1' } } },
  '/secrets': { data: { a: 'Yg==' } },
  '/serviceaccounts': {},
  '/services': { spec: { ports: [{ port: 80 }] } },
  'admissionregistration.k8s.io/mutatingadmissionpolicies': {
    spec: {
      matchConstraints: policyMatch,
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "remove", path: "/spec/x"}]' } }],
    },
  },
  'admissionregistration.k8s.io/mutatingadmissionpolicybindings': { spec: { policyName: 'p' } },
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': { webhooks: [webhook] },
  'admissionregistration.k8s.io/validatingadmissionpolicies': {
    spec: { matchConstraints: policyMatch, validations: [{ expression: 'true' }] },
  },
  'admissionregistration.k8s.io/validatingadmissionpolicybindings': {
    spec: { policyName: 'p', validationActions: ['Deny'] },
  },
  'admissionregistration.k8s.io/validatingwebhookconfigurations': { webhooks: [webhook] },
  'apiextensions.k8s.io/customresourcedefinitions': {
    spec: {
      group: 'example.com',
      names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  },
  'apiregistration.k8s.io/apiservices': {
    spec: { group: 'example.com', version: 'v1', groupPriorityMinimum: 100, versionPriority: 10 },
  },
  'apps/controllerrevisions': { revision: 1, data: { spec: {} } },
  'apps/daemonsets': { spec: { selector, template: template({ app: 'x' }) } },
  'apps/deployments': { spec: { selector, template: template({ app: 'x' }) } },
  'apps/replicasets': { spec: { selector, template: template({ app: 'x' }) } },
  'apps/statefulsets': { spec: { selector, serviceName: 'x', template: template({ app: 'x' }) } },
  'autoscaling/horizontalpodautoscalers': {
    spec: { maxReplicas: 2, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } },
  },
  'batch/cronjobs': {
    spec: {
      schedule: '* * * * *',
      jobTemplate: {
        spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } } },
      },
    },
  },
  'batch/jobs': {
    spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } } },
  },
  'certificates.k8s.io/certificatesigningrequests': {
    spec: { request: signingRequest, signerName: 'example.com/signer', usages: ['digital signature'] },
  },
  'coordination.k8s.io/leases': { spec: { holderIdentity: 'x', leaseDurationSeconds: 15 } },
  'discovery.k8s.io/endpointslices': {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'] }],
    ports: [{ port: 80 }],
  },
  'events.k8s.io/events': {
    eventTime: '2026-01-01T00:00:00.000000Z',
    regarding: { kind: 'Pod', namespace: 'default', name: 'p' },
    reason: 'Testing',
    action: 'Test',
    reportingController: 'example.com/test',
    reportingInstance: 'test-1',
    type: 'Normal',
  },
  'flowcontrol.apiserver.k8s.io/flowschemas': {
    spec: { priorityLevelConfiguration: { name: 'global-default' }, matchingPrecedence: 1000 },
  },
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations': {
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: 10, limitResponse: { type: 'Reject' } } },
  },
  'networking.k8s.io/ingressclasses': { spec: { controller: 'example.com/ingress' } },
  'networking.k8s.io/ingresses': { spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } },
  'networking.k8s.io/ipaddresses': { spec: { parentRef: { resource: 'services', namespace: 'default', name: 's' } } },
  'networking.k8s.io/networkpolicies': { spec: { podSelector: {} } },
  'networking.k8s.io/servicecidrs': { spec: { cidrs: ['10.97.0.0/24'] } },
  'node.k8s.io/runtimeclasses': { handler: 'runc' },
  'policy/poddisruptionbudgets': { spec: { selector, minAvailable: 1 } },
  'rbac.authorization.k8s.io/clusterrolebindings': {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'r' },
  },
  'rbac.authorization.k8s.io/clusterroles': { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  'rbac.authorization.k8s.io/rolebindings': {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
  },
  'rbac.authorization.k8s.io/roles': { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  'resource.k8s.io/deviceclasses': { spec: {} },
  'resource.k8s.io/resourceclaims': {
    spec: {
      devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c', allocationMode: 'ExactCount', count: 1 } }] },
    },
  },
  'resource.k8s.io/resourceclaimtemplates': {
    spec: {
      spec: {
        devices: {
          requests: [{ name: 'r', exactly: { deviceClassName: 'c', allocationMode: 'ExactCount', count: 1 } }],
        },
      },
    },
  },
  'resource.k8s.io/resourceslices': {
    spec: {
      driver: 'd.example.com',
      nodeName: 'n',
      pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
      devices: [{ name: 'd' }],
    },
  },
  'scheduling.k8s.io/priorityclasses': { value: 10 },
  'storage.k8s.io/csidrivers': { spec: {} },
  'storage.k8s.io/csinodes': { spec: { drivers: [{ name: 'd.example.com', nodeID: 'n' }] } },
  'storage.k8s.io/csistoragecapacities': { storageClassName: 's' },
  'storage.k8s.io/storageclasses': { provisioner: 'example.com/p' },
  'storage.k8s.io/volumeattachments': {
    spec: { attacher: 'example.com', nodeName: 'n', source: { persistentVolumeName: 'v' } },
  },
  'storage.k8s.io/volumeattributesclasses': { driverName: 'd.example.com', parameters: { a: 'b' } },
};
