import { expect, test, describe } from 'vitest';
import { aggregatedDiscovery, wantsAggregated } from './aggregated.ts';
import { apiResourceList, byVersionPriority, servedGroups } from './legacy.ts';
import type { Resource } from '../registry/resource.ts';

const resource = (over: Partial<Resource>): Resource =>
  ({
    group: '',
    version: 'v1',
    kind: 'Pod',
    plural: 'pods',
    singular: 'pod',
    shortNames: ['po'],
    categories: ['all'],
    namespaced: true,
    verbs: ['get', 'list'],
    subresources: [{ name: 'eviction', group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] }],
    storageVersionHash: 'xPOwRZ+Yhw8=',
    ...over,
  }) as Resource;

const resources = [
  resource({}),
  resource({ group: 'autoscaling', version: 'v1', kind: 'H', plural: 'hs', subresources: [] }),
  resource({ group: 'autoscaling', version: 'v2', kind: 'H', plural: 'hs', subresources: [] }),
];

test('groups come with their preferred version first', () => {
  expect(servedGroups(resources)).toEqual([
    { group: '', versions: ['v1'] },
    { group: 'autoscaling', versions: ['v2', 'v1'] },
  ]);
  expect(['v1beta1', 'v1', 'v2alpha1', 'v2', 'v1beta2', 'foo'].sort(byVersionPriority)).toEqual([
    'v2',
    'v1',
    'v1beta2',
    'v1beta1',
    'v2alpha1',
    'foo',
  ]);
});

test('a resource list names sub-resources of another group with it', () => {
  expect(apiResourceList(resources, '', 'v1')).toEqual({
    kind: 'APIResourceList',
    groupVersion: 'v1',
    resources: [
      {
        name: 'pods',
        singularName: 'pod',
        namespaced: true,
        kind: 'Pod',
        verbs: ['get', 'list'],
        shortNames: ['po'],
        categories: ['all'],
        storageVersionHash: 'xPOwRZ+Yhw8=',
      },
      {
        name: 'pods/eviction',
        singularName: '',
        namespaced: true,
        group: 'policy',
        version: 'v1',
        kind: 'Eviction',
        verbs: ['create'],
      },
    ],
  });
  expect(apiResourceList(resources, 'apps', 'v1')).toBeUndefined();
});

test('the aggregated document holds what the lists hold', () => {
  const document = aggregatedDiscovery(servedGroups(resources), resources, 'v2') as {
    items: { versions: unknown[] }[];
  };
  expect(document.items.map((item) => item.versions.length)).toEqual([1, 2]);
  expect(document.items[0]).toMatchObject({
    versions: [
      {
        version: 'v1',
        freshness: 'Current',
        resources: [{ resource: 'pods', scope: 'Namespaced', subresources: [{ subresource: 'eviction' }] }],
      },
    ],
  });
});

describe('the form is chosen by Accept', () => {
  const v2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const beta = 'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList';
  test.each([
    [undefined, undefined],
    ['application/json', undefined],
    [`${v2},${beta},application/json`, 'v2'],
    [`${beta},application/json`, 'v2beta1'],
    [`application/json,${v2}`, undefined],
  ])('%s', (accept, expected) => expect(wantsAggregated(accept)).toBe(expected));
});
