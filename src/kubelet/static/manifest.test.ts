import { expect, it } from 'vitest';
import { decodeManifest } from './manifest.ts';

const origin = { kind: 'file', path: '/etc/kubernetes/manifests/web.yaml' } as const;
const text = `
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {a: b}
spec:
  containers:
  - name: c
    image: web:1
`;
const one = (manifest: string, from: Parameters<typeof decodeManifest>[1] = origin, node = 'n1') =>
  decodeManifest(manifest, from, node)[0]!;

it('a manifest is a pod of this node, whose UID is its hash (checklist 31)', () => {
  const pod = one(text);
  expect(pod.metadata.name).toBe('web-n1');
  expect(pod.metadata.namespace).toBe('default');
  expect(pod.metadata.uid).toMatch(/^[0-9a-f]{32}$/);
  expect(pod.metadata.annotations).toEqual({
    'kubernetes.io/config.hash': pod.metadata.uid,
    'kubernetes.io/config.source': 'file',
  });
  expect(pod.spec?.nodeName).toBe('n1');
  expect(pod.spec?.tolerations).toEqual([{ operator: 'Exists', effect: 'NoExecute' }]);
  expect([pod.spec?.restartPolicy, pod.spec?.containers[0]?.imagePullPolicy]).toEqual(['Always', 'IfNotPresent']);
  expect(pod.status).toEqual({ phase: 'Pending' });
});

it('the same text has the same UID; another text, path, node or a URL has another', () => {
  const others = [
    one(text.replace('web:1', 'web:2')),
    one(text, { kind: 'file', path: '/other.yaml' }),
    one(text, origin, 'n2'),
    one(text, { kind: 'http', url: 'http://192.0.2.1/web.yaml' }),
  ];
  const uids = [one(text), one(text), ...others].map((pod) => pod.metadata.uid);
  expect(uids[0]).toBe(uids[1]);
  expect(new Set(uids).size).toBe(5);
});

it('a UID and a namespace of its own are kept; a PodList has several', () => {
  const own = text.replace('name: web', 'name: web\n  uid: u1\n  namespace: ns');
  expect(one(own).metadata).toMatchObject({ uid: 'u1', namespace: 'ns' });
  const item = (name: string) => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i:1' }] } });
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'PodList', items: [item('a'), item('b')] });
  expect(decodeManifest(list, origin, 'n').map((pod) => pod.metadata.name)).toEqual(['a-n', 'b-n']);
});

const spec = (extra: object, container: object = {}) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', image: 'i:1', ...container }], ...extra },
  });
const volume = (source: object) => spec({ volumes: [{ name: 'v', ...source }] });

it.each([
  ['nothing', '', 'is nothing of no version; want Pod or PodList of v1'],
  ['another kind', 'apiVersion: v1\nkind: Service', 'is Service of v1; want Pod or PodList of v1'],
  ['no name', spec({}).replace('"name":"p"', ''), 'invalid pod: name is needed for the pod'],
  ['bad spec', spec({}, { name: '' }), 'invalid pod: spec.containers[0].name: Required value'],
  ['an account', spec({ serviceAccountName: 'a' }), 'static pods may not reference serviceaccounts'],
  [
    'a variable from a secret',
    spec({}, { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] }),
    'static pods may not reference secrets',
  ],
  ['a config map', volume({ configMap: { name: 'm' } }), 'static pods may not reference configmaps'],
  [
    'a claim',
    volume({ persistentVolumeClaim: { claimName: 'm' } }),
    'static pods may not reference persistentvolumeclaims',
  ],
  [
    'a trust bundle',
    volume({ projected: { sources: [{ clusterTrustBundle: { name: 'b', path: 't' } }] } }),
    'static pods may not reference clustertrustbundles',
  ],
])('refused: %s', (_, manifest, message) => {
  expect(() => decodeManifest(manifest, origin, 'n')).toThrow(message);
});
