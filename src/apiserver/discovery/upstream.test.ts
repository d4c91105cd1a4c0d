import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { kinds } from '../../apis/index.ts';
import { allResources } from '../../apis/scheme.ts';
import { builtinResources } from '../registry/builtin.ts';
import { type EnabledOptions, enabledResources } from '../registry/enabled.ts';
import { admin, testServer } from '../testing.suite.ts';

interface Row {
  readonly groupVersion: string;
  readonly name: string;
}

/** What upstream v1.36.3 answers (tools/facts/make-discovery.mjs); configurations build on the first. */
const facts = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../tests/parity/facts/discovery.json'), 'utf8'),
) as Record<string, { versions: Record<string, string[]>; added: Row[] }>;

const configurations: readonly (readonly [string, EnabledOptions])[] = [
  ['default', {}],
  ['api/all', { runtimeConfig: { 'api/all': 'true' } }],
  ['alpha', { runtimeConfig: { 'api/all': 'true' }, featureGates: { AllAlpha: true, AllBeta: true } }],
];

describe('discovery is upstream’s', () => {
  const expected: Row[] = [];
  test.each(configurations)('with %s', async (name, options) => {
    expected.push(...facts[name]!.added);
    const { server, call } = await testServer(options);
    const { groups } = (await call('GET', '/apis', { user: admin })).json;
    expect(groups.map((g: { name: string }) => g.name)).toEqual(Object.keys(facts[name]!.versions));
    const versions = groups.map((g: { name: string; versions: { version: string }[] }) => [
      g.name,
      g.versions.map((v) => v.version),
    ]);
    expect(Object.fromEntries(versions)).toEqual(facts[name]!.versions);
    const rows: Row[] = [];
    for (const groupVersion of ['v1', ...new Set(expected.map((row) => row.groupVersion).filter((v) => v !== 'v1'))]) {
      const path = groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`;
      const { json } = await call('GET', path, { user: admin });
      for (const resource of json.resources) rows.push({ groupVersion, ...resource });
    }
    const sorted = (list: readonly Row[]) =>
      [...list].sort((a, b) => (`${a.groupVersion} ${a.name}` < `${b.groupVersion} ${b.name}` ? -1 : 1));
    expect(sorted(rows)).toEqual(sorted(expected));
    const { paths } = (await call('GET', '/openapi/v3', { user: admin })).json;
    for (const { groupVersion } of rows)
      expect(paths).toHaveProperty([groupVersion === 'v1' ? 'api/v1' : `apis/${groupVersion}`]);
    await server.stop();
  });
});

describe('enabledResources', () => {
  const names = (options: EnabledOptions) =>
    enabledResources(allResources(), options).map((r) => `${r.group}/${r.version}/${r.plural}`);

  test.each([
    [{ 'apps/v1': 'false' }, 'apps/v1/deployments', false],
    [{ 'apps/v1': 'false', 'apps/v1/deployments': 'true' }, 'apps/v1/deployments', true],
    [{ 'api/ga': 'false' }, '/v1/pods', false],
    [{ 'api/beta': '' }, 'networking.k8s.io/v1beta1/ipaddresses', true],
    [{ 'api/beta': 'true' }, 'resource.k8s.io/v1alpha3/devicetaintrules', false],
    [{ 'api/all': 'false', 'api/v1': 'true' }, '/v1/pods', true],
    [{ 'storagemigration.k8s.io/v1beta1': 'true' }, 'storagemigration.k8s.io/v1beta1/storageversionmigrations', false],
  ])('%j: %s is served: %s', (runtimeConfig, name, served) => {
    expect(names({ runtimeConfig: runtimeConfig as Record<string, string> }).includes(name)).toBe(served);
  });

  test.each([{ 'apps/v9': 'true' }, { 'apps/v1': 'maybe' }])('%j is refused', (runtimeConfig) => {
    expect(() => names({ runtimeConfig: runtimeConfig as Record<string, string> })).toThrow(/runtime-config/);
  });
});

describe('versions that share a storage', () => {
  test('are read in each after a write in one', async () => {
    const { server, call } = await testServer(configurations[2]![1]);
    const at = (version: string) => `/apis/resource.k8s.io/${version}/namespaces/default/resourceclaims`;
    const body = {
      metadata: { name: 'c' },
      spec: { devices: { requests: [{ name: 'a', deviceClassName: 'gpu' }] } },
    };
    const made = await call('POST', at('v1beta1'), { user: admin, body });
    expect([made.status, made.json.spec.devices.requests[0].allocationMode]).toEqual([201, 'ExactCount']);
    for (const version of ['v1', 'v1beta2']) {
      const { json } = await call('GET', `${at(version)}/c`, { user: admin });
      expect(json).toMatchObject({
        apiVersion: `resource.k8s.io/${version}`,
        spec: { devices: { requests: [{ name: 'a', exactly: { deviceClassName: 'gpu', count: 1 } }] } },
      });
    }
    await server.stop();
  });

  const all = builtinResources(kinds, configurations[2]![1]);
  const conversion = (key: string) =>
    all.find((r) => `${r.group}/${r.version}/${r.plural}` === key)!.storage!.conversion!;
  const head = { metadata: { name: 'x' } };
  test.each([
    [
      'resource.k8s.io/v1beta1/resourceclaims',
      {
        spec: {
          devices: {
            requests: [
              { name: 'a', deviceClassName: 'c', count: 2 },
              { name: 'b', firstAvailable: [{}] },
            ],
          },
        },
      },
      {
        spec: {
          devices: {
            requests: [
              { name: 'a', exactly: { deviceClassName: 'c', count: 2 } },
              { name: 'b', firstAvailable: [{}] },
            ],
          },
        },
      },
    ],
    [
      'resource.k8s.io/v1beta1/resourceslices',
      { spec: { devices: [{ name: 'd', basic: { attributes: { a: { int: 1 } } } }] } },
      { spec: { devices: [{ name: 'd', attributes: { a: { int: 1 } } }] } },
    ],
    [
      'networking.k8s.io/v1beta1/servicecidrs',
      { spec: { cidrs: ['10.0.0.0/24'] } },
      { spec: { cidrs: ['10.0.0.0/24'] } },
    ],
  ])('%s goes there and back', (key, served, stored) => {
    const { toStorage, fromStorage } = conversion(key);
    const there = toStorage(structuredClone({ ...head, ...served }) as never);
    expect(there).toMatchObject(stored);
    expect(fromStorage(structuredClone(there))).toMatchObject(served);
  });
});
