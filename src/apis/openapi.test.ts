import { beforeAll, describe, expect, test } from 'vitest';
import type { OpenApiDocuments } from '../machinery/openapi/documents.ts';
import { loadOpenApi } from './openapi.ts';

let documents: OpenApiDocuments;
// biome-ignore lint/suspicious/noExplicitAny: free JSON, looked into by path
let apps: any;
beforeAll(async () => {
  documents = await loadOpenApi({ version: 'v1.36.0' });
  apps = documents.v3('apis/apps/v1');
});

test('there is a document for every served group and version, and none for the others', () => {
  const names = documents.documents();
  for (const name of ['api', 'api/v1', 'apis', 'apis/apps', 'apis/apps/v1', 'apis/autoscaling/v2', 'version'])
    expect(names).toContain(name);
  for (const name of ['apis/resource.k8s.io/v1beta1', 'apis/internal.apiserver.k8s.io', 'apis/storagemigration.k8s.io'])
    expect(names).not.toContain(name);
  expect(documents.v3('apis/nothing/v1')).toBeUndefined();
});

/** Every reference below a value. */
function* references(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    if (key === '$ref' && typeof member === 'string') yield member;
    else yield* references(member);
  }
}

test('every reference of every document is defined in it', () => {
  for (const name of documents.documents()) {
    const document = documents.v3(name) as { components: { schemas: object } };
    const defined = new Set(Object.keys(document.components.schemas).map((key) => `#/components/schemas/${key}`));
    for (const ref of references(document)) expect(defined).toContain(ref);
  }
  const v2 = documents.v2() as { definitions: object };
  const defined = new Set(Object.keys(v2.definitions).map((key) => `#/definitions/${key}`));
  for (const ref of references(v2)) expect(defined).toContain(ref);
});

describe('what kubectl reads of apps/v1', () => {
  test('the kind of a definition', () => {
    expect(apps.components.schemas['io.k8s.api.apps.v1.Deployment']['x-kubernetes-group-version-kind']).toEqual([
      { group: 'apps', version: 'v1', kind: 'Deployment' },
    ]);
  });

  test('merge keys and list types, with the zero value as default of items', () => {
    expect(apps.components.schemas['io.k8s.api.core.v1.PodSpec'].properties.containers).toMatchObject({
      type: 'array',
      items: { allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.Container' }], default: {} },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-patch-strategy': 'merge',
    });
  });

  test('enums, defaults of the published API and formats', () => {
    const { properties } = apps.components.schemas['io.k8s.api.core.v1.ContainerPort'];
    expect(properties.protocol).toMatchObject({ type: 'string', default: 'TCP', enum: ['SCTP', 'TCP', 'UDP'] });
    expect(properties.containerPort).toMatchObject({ type: 'integer', format: 'int32', default: 0 });
    const { properties: pod } = apps.components.schemas['io.k8s.api.core.v1.PodSpec'];
    expect(pod.dnsPolicy.default).toBeUndefined();
  });

  test('enums of lists, at their items', () => {
    const policies = documents.v3('apis/networking.k8s.io/v1') as {
      // biome-ignore lint/suspicious/noExplicitAny: free JSON, looked into by path
      components: { schemas: Record<string, any> };
    };
    const { policyTypes } = policies.components.schemas['io.k8s.api.networking.v1.NetworkPolicySpec'].properties;
    expect(policyTypes.enum).toBeUndefined();
    expect(policyTypes.items).toEqual({ type: 'string', default: '', enum: ['Egress', 'Ingress'] });
  });

  test('that the server validates fields: a PATCH with its kind and the parameter', () => {
    const { patch } = apps.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'];
    expect(patch['operationId']).toBe('patchAppsV1NamespacedDeployment');
    expect(patch['x-kubernetes-action']).toBe('patch');
    expect(patch['x-kubernetes-group-version-kind']).toEqual({ group: 'apps', version: 'v1', kind: 'Deployment' });
    expect(patch.parameters.map((p: { name: string }) => p.name)).toContain('fieldValidation');
  });

  test('the kinds of sub-resources', () => {
    const { get } = apps.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale'];
    expect(get['x-kubernetes-group-version-kind']).toEqual({ group: 'autoscaling', version: 'v1', kind: 'Scale' });
  });
});

test('paths of namespaces and of what is in them are told apart', () => {
  const { paths } = documents.v3('api/v1') as { paths: Record<string, Record<string, { [key: string]: unknown }>> };
  const kindOf = (path: string) => paths[path]?.['get']?.['x-kubernetes-group-version-kind'];
  expect(kindOf('/api/v1/namespaces/{name}')).toMatchObject({ kind: 'Namespace' });
  expect(kindOf('/api/v1/namespaces/{name}/status')).toMatchObject({ kind: 'Namespace' });
  expect(kindOf('/api/v1/namespaces/{namespace}/pods')).toMatchObject({ kind: 'Pod' });
  expect(kindOf('/api/v1/pods')).toMatchObject({ kind: 'Pod' });
  expect(kindOf('/api/v1/namespaces')).toMatchObject({ kind: 'Namespace' });
});
