// What a pod can be told and given, by the real kubectl on real containers: environment, volumes, probes, hooks, the API.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kubectlPath } from '../support/oracles.ts';
import { eventually, realFlags } from '../support/real-cluster.ts';
import { UpCluster } from '../support/up.ts';

const cluster = new UpCluster();
beforeAll(async () => {
  await cluster.start(...realFlags(cluster));
});
afterAll(() => cluster.destroy());

const apply = async (manifest: string) => {
  const { code, stderr } = await cluster.kubectlOf('1.36', ['apply', '-f', '-'], manifest);
  expect(code, stderr).toBe(0);
};

it('gets its environment, volumes, init containers, sidecar, user and last words', async () => {
  await apply(`apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: blue, file.txt: "from a file"}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {password: hush}
---
apiVersion: v1
kind: Pod
metadata: {name: all, labels: {tier: front}}
spec:
  terminationGracePeriodSeconds: 1
  restartPolicy: Never
  initContainers:
  - {name: first, image: busybox:1.36, command: [sh, -c, "echo made > /work/init"], volumeMounts: [{name: work, mountPath: /work}]}
  - name: side
    image: busybox:1.36
    restartPolicy: Always
    command: [sh, -c, "echo side > /work/side; sleep 1000"]
    startupProbe: {exec: {command: [test, -e, /work/side]}, periodSeconds: 1}
    volumeMounts: [{name: work, mountPath: /work}]
  containers:
  - name: main
    image: busybox:1.36
    command: [sh, -c, 'id -u; echo "$GREETING $COLOUR $PASSWORD $MEMORY"; env | grep ^all_colour; cat /work/init /work/side; for f in /cm/file.txt /one.txt /secret/password /info/labels /proj/colour; do cat $f; echo; done; test -s /proj/token && echo token; echo bye > /dev/termination-log']
    securityContext: {runAsUser: 1000}
    resources: {limits: {memory: 64Mi}}
    env:
    - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}
    - {name: PASSWORD, valueFrom: {secretKeyRef: {name: keys, key: password}}}
    - {name: MEMORY, valueFrom: {resourceFieldRef: {resource: limits.memory}}}
    - {name: GREETING, value: "hi-$(NAME)-$$(NAME)-$(NOPE)"}
    envFrom: [{configMapRef: {name: settings}, prefix: all_}]
    volumeMounts:
    - {name: work, mountPath: /work}
    - {name: cm, mountPath: /cm}
    - {name: cm, mountPath: /one.txt, subPath: file.txt}
    - {name: secret, mountPath: /secret}
    - {name: info, mountPath: /info}
    - {name: proj, mountPath: /proj}
  volumes:
  - {name: work, emptyDir: {}}
  - {name: cm, configMap: {name: settings}}
  - {name: secret, secret: {secretName: keys}}
  - {name: info, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}
  - {name: proj, projected: {sources: [{configMap: {name: settings}}, {serviceAccountToken: {path: token, audience: vault}}]}}
`);
  await cluster.must('wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/all', '--timeout=30s');
  const said = (await cluster.must('logs', 'all', '-c', 'main')).trim().split('\n');
  const files = ['made', 'side', 'from a file', 'from a file', 'hush', 'tier="front"', 'blue', 'token'];
  expect(said).toEqual(['1000', 'hi-all-$(NAME)-$(NOPE) blue hush 67108864', 'all_colour=blue', ...files]);
  const message = 'jsonpath={.status.containerStatuses[0].state.terminated.message}';
  expect(await cluster.must('get', 'pod', 'all', '-o', message)).toBe('bye\n');
});

it('reaches the API server by its Service, with its token and CA', async () => {
  // busybox's wget cannot verify what it is shown: kubectl of the host does.
  const script = `cp /var/run/secrets/kubernetes.io/serviceaccount/ca.crt /host${cluster.dataDir}/pod-ca.crt; chroot /host ${kubectlPath('1.36')} --kubeconfig /dev/null --server https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT --certificate-authority ${cluster.dataDir}/pod-ca.crt --token $(cat /var/run/secrets/kubernetes.io/serviceaccount/token) auth whoami -o jsonpath={.status.userInfo.username}`;
  await apply(`apiVersion: v1
kind: Pod
metadata: {name: caller}
spec:
  restartPolicy: Never
  containers:
  - {name: main, image: busybox:1.36, command: [sh, -c, ${JSON.stringify(script)}], volumeMounts: [{name: host, mountPath: /host}]}
  volumes: [{name: host, hostPath: {path: /}}]
`);
  await cluster.must(
    'wait',
    '--for=jsonpath={.status.containerStatuses[0].state.terminated}',
    'pod/caller',
    '--timeout=30s',
  );
  expect(await cluster.must('logs', 'caller')).toBe('system:serviceaccount:default:default');
});

it('is ready as its probe says, restarted when not alive, and heard before it goes', async () => {
  await apply(`apiVersion: v1
kind: Pod
metadata: {name: probed}
spec:
  terminationGracePeriodSeconds: 2
  containers:
  - name: main
    image: busybox:1.36
    command: [sh, -c, 'touch /tmp/alive; sleep 1000']
    startupProbe: {exec: {command: [test, -e, /tmp/alive]}, periodSeconds: 1}
    readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1}
    livenessProbe: {exec: {command: [test, -e, /tmp/alive]}, periodSeconds: 1, failureThreshold: 1}
    lifecycle: {preStop: {exec: {command: [sh, -c, 'echo stopped > /out/hook']}}}
    volumeMounts: [{name: out, mountPath: /out}]
  volumes: [{name: out, hostPath: {path: ${cluster.dataDir}/out, type: DirectoryOrCreate}}]
`);
  await cluster.must(
    'wait',
    '--for=jsonpath={.status.containerStatuses[0].started}=true',
    'pod/probed',
    '--timeout=20s',
  );
  expect(await cluster.must('get', 'pod', 'probed')).toMatch(/probed\s+0\/1\s+Running/);
  await cluster.must('exec', 'probed', '--', 'touch', '/tmp/ready');
  await cluster.must('wait', '--for=condition=Ready', 'pod/probed', '--timeout=10s');
  await cluster.must('exec', 'probed', '--', 'rm', '/tmp/alive');
  await cluster.must(
    'wait',
    '--for=jsonpath={.status.containerStatuses[0].restartCount}=1',
    'pod/probed',
    '--timeout=20s',
  );
  const events = await eventually('events', async () => {
    const text = await cluster.must('get', 'events', '--field-selector', 'involvedObject.name=probed');
    return /Liveness probe failed/.test(text) ? text : undefined;
  });
  expect(events).toMatch(/Container main failed liveness probe, will be restarted/);
  await cluster.must('delete', 'pod', 'probed', '--wait', '--timeout=20s');
  expect(readFileSync(join(cluster.dataDir, 'out/hook'), 'utf8')).toBe('stopped\n');
});
