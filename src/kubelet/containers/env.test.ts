import { describe, expect, it } from 'vitest';
import type { ConfigMap, ContainerSpec, Pod, Secret, Service } from '../types.ts';
import { containerEnv, type EnvInput, type ObjectReader, serviceVariables } from './env.ts';

const service = (namespace: string, name: string, spec: object): Service =>
  ({ metadata: { name, namespace }, spec }) as Service;
const services = [
  service('default', 'kubernetes', { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, protocol: 'TCP' }] }),
  service('shop', 'web-front', {
    clusterIP: '10.96.0.7',
    ports: [{ port: 80 }, { name: 'dns', port: 53, protocol: 'UDP' }],
  }),
  service('shop', 'headless', { clusterIP: 'None', ports: [{ port: 80 }] }),
];
const objects: ObjectReader = {
  configMap: async (_, name) =>
    name === 'settings' ? ({ data: { color: 'blue', size: 'L' } } as never as ConfigMap) : undefined,
  secret: async (_, name) =>
    name === 'keys' ? ({ data: { pw: Buffer.from('s3cret').toString('base64') } } as never as Secret) : undefined,
  services: (namespace) => services.filter((s) => s.metadata.namespace === namespace),
};
const pod = (spec: object = {}): Pod => ({
  metadata: { name: 'p', namespace: 'shop', uid: 'u', labels: { app: 'x', tier: 'a"b' } },
  spec: { containers: [], serviceAccountName: 'runner', nodeName: 'n1', enableServiceLinks: false, ...spec },
});
const input = (container: Partial<ContainerSpec>, of = pod()): EnvInput => ({
  pod: of,
  container: { name: 'main', ...container },
  objects,
  facts: { hostIps: ['192.0.2.1'], podIps: ['10.244.0.9', 'fd00::9'] },
  node: { cpuMilli: 2000, memoryBytes: 4 * 2 ** 30, ephemeralStorageBytes: 0 },
});
const values = async (container: Partial<ContainerSpec>, of = pod()) =>
  Object.fromEntries((await containerEnv(input(container, of))).map(({ key, value }) => [key, value]));

describe('variables of a container', () => {
  it.each<[string, object, string]>([
    ['metadata.name', { fieldRef: { fieldPath: 'metadata.name' } }, 'p'],
    ["metadata.labels['app']", { fieldRef: { fieldPath: "metadata.labels['app']" } }, 'x'],
    ['spec.serviceAccountName', { fieldRef: { fieldPath: 'spec.serviceAccountName' } }, 'runner'],
    ['status.podIPs', { fieldRef: { fieldPath: 'status.podIPs' } }, '10.244.0.9,fd00::9'],
    ['status.hostIP', { fieldRef: { fieldPath: 'status.hostIP' } }, '192.0.2.1'],
    ['a ConfigMap key', { configMapKeyRef: { name: 'settings', key: 'color' } }, 'blue'],
    ['a Secret key', { secretKeyRef: { name: 'keys', key: 'pw' } }, 's3cret'],
    ['limits.cpu', { resourceFieldRef: { resource: 'limits.cpu' } }, '1'],
    ['limits.cpu in thousandths', { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } }, '250'],
    [
      'limits.memory, unlimited: of the node',
      { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } },
      '4096',
    ],
    ['requests.memory, not asked for', { resourceFieldRef: { resource: 'requests.memory' } }, '0'],
  ])('from %s', async (_, valueFrom, expected) => {
    const container = { env: [{ name: 'V', valueFrom }], resources: { limits: { cpu: '250m' } } };
    expect((await values(container as never))['V']).toBe(expected);
  });

  it('take later ones over earlier ones, and may name those before', async () => {
    const all = await values({
      envFrom: [{ configMapRef: { name: 'settings' } }, { prefix: 'S_', secretRef: { name: 'keys' } }],
      env: [
        { name: 'color', value: 'red' },
        { name: 'BOTH', value: '$(color)/$(S_pw)/$(LATER)' },
        { name: 'LATER', value: 'x' },
      ],
    });
    expect(all).toMatchObject({ color: 'red', size: 'L', S_pw: 's3cret', BOTH: 'red/s3cret/$(LATER)', LATER: 'x' });
  });

  it.each<[string, Partial<ContainerSpec>, string]>([
    ['ConfigMap', { envFrom: [{ configMapRef: { name: 'nosuch' } }] }, 'configmap "nosuch" not found'],
    ['Secret', { envFrom: [{ secretRef: { name: 'nosuch' } }] }, 'secret "nosuch" not found'],
    [
      'key',
      { env: [{ name: 'V', valueFrom: { configMapKeyRef: { name: 'settings', key: 'x' } } }] },
      "couldn't find key x in ConfigMap shop/settings",
    ],
  ])('refuse a missing %s in upstream words', async (_, container, message) => {
    await expect(containerEnv(input(container))).rejects.toThrow(message);
  });

  it('leave optional ones out', async () => {
    const optional = { name: 'V', valueFrom: { secretKeyRef: { name: 'nosuch', key: 'x', optional: true } } };
    expect(await values({ env: [optional] })).not.toHaveProperty('V');
  });
});

describe('variables of Services', () => {
  it('name hosts, ports and links (checklist 26)', () => {
    const all = Object.fromEntries(
      serviceVariables(pod({ enableServiceLinks: true }), objects).map((v) => [v.key, v.value]),
    );
    expect(all).toEqual({
      KUBERNETES_SERVICE_HOST: '10.96.0.1',
      KUBERNETES_SERVICE_PORT: '443',
      KUBERNETES_SERVICE_PORT_HTTPS: '443',
      KUBERNETES_PORT: 'tcp://10.96.0.1:443',
      KUBERNETES_PORT_443_TCP: 'tcp://10.96.0.1:443',
      KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
      KUBERNETES_PORT_443_TCP_PORT: '443',
      KUBERNETES_PORT_443_TCP_ADDR: '10.96.0.1',
      WEB_FRONT_SERVICE_HOST: '10.96.0.7',
      WEB_FRONT_SERVICE_PORT: '80',
      WEB_FRONT_SERVICE_PORT_DNS: '53',
      WEB_FRONT_PORT: 'tcp://10.96.0.7:80',
      WEB_FRONT_PORT_80_TCP: 'tcp://10.96.0.7:80',
      WEB_FRONT_PORT_80_TCP_PROTO: 'tcp',
      WEB_FRONT_PORT_80_TCP_PORT: '80',
      WEB_FRONT_PORT_80_TCP_ADDR: '10.96.0.7',
      WEB_FRONT_PORT_53_UDP: 'udp://10.96.0.7:53',
      WEB_FRONT_PORT_53_UDP_PROTO: 'udp',
      WEB_FRONT_PORT_53_UDP_PORT: '53',
      WEB_FRONT_PORT_53_UDP_ADDR: '10.96.0.7',
    });
  });

  it('are only those of the API server where links are off', () => {
    const names = serviceVariables(pod(), objects).map(({ key }) => key);
    expect(names.every((name) => name.startsWith('KUBERNETES_'))).toBe(true);
  });
});
