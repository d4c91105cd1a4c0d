import { describe, expect, test } from 'vitest';
import { exactField, parseRequestInfo } from './request-info.ts';

const parse = (method: string, url: string) => {
  const [path = '', query = ''] = url.split('?');
  return parseRequestInfo(method, path, () => new URLSearchParams(query));
};

describe('resource requests', () => {
  // verb, group, version, namespace, resource, subresource, name
  const cases: [string, string, string, string, string, string, string, string, string][] = [
    ['GET', '/api/v1/namespaces', 'list', '', 'v1', '', 'namespaces', '', ''],
    ['GET', '/api/v1/namespaces/other', 'get', '', 'v1', 'other', 'namespaces', '', 'other'],
    ['PUT', '/api/v1/namespaces/other/finalize', 'update', '', 'v1', 'other', 'namespaces', 'finalize', 'other'],
    ['GET', '/api/v1/namespaces/other/pods', 'list', '', 'v1', 'other', 'pods', '', ''],
    ['GET', '/api/v1/namespaces/other/pods/foo/log', 'get', '', 'v1', 'other', 'pods', 'log', 'foo'],
    ['GET', '/api/v1/namespaces/other/pods/foo/proxy/a/b', 'get', '', 'v1', 'other', 'pods', 'proxy', 'foo'],
    ['HEAD', '/api/v1/pods', 'list', '', 'v1', '', 'pods', '', ''],
    ['GET', '/api/v1/pods?watch=true', 'watch', '', 'v1', '', 'pods', '', ''],
    ['GET', '/api/v1/pods?watch=1', 'watch', '', 'v1', '', 'pods', '', ''],
    ['GET', '/api/v1/pods?watch=', 'watch', '', 'v1', '', 'pods', '', ''],
    ['GET', '/api/v1/pods?watch=false', 'list', '', 'v1', '', 'pods', '', ''],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name%3Dx', 'list', '', 'v1', '', 'pods', '', 'x'],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name!%3Dx', 'list', '', 'v1', '', 'pods', '', ''],
    ['GET', '/api/v1/watch/namespaces/other/pods', 'watch', '', 'v1', 'other', 'pods', '', ''],
    ['DELETE', '/api/v1/namespaces/other/pods', 'deletecollection', '', 'v1', 'other', 'pods', '', ''],
    ['DELETE', '/api/v1/namespaces/other/pods/foo', 'delete', '', 'v1', 'other', 'pods', '', 'foo'],
    ['POST', '/apis/apps/v1/namespaces/n/deployments', 'create', 'apps', 'v1', 'n', 'deployments', '', ''],
    [
      'PATCH',
      '/apis/apps/v1/namespaces/n/deployments/d/scale',
      'patch',
      'apps',
      'v1',
      'n',
      'deployments',
      'scale',
      'd',
    ],
    [
      'GET',
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode',
      'get',
      'rbac.authorization.k8s.io',
      'v1',
      '',
      'clusterroles',
      '',
      'system:node',
    ],
  ];
  test.each(cases)('%s %s', (method, url, verb, apiGroup, apiVersion, namespace, resource, subresource, name) => {
    expect(parse(method, url)).toMatchObject({
      isResourceRequest: true,
      verb,
      apiGroup,
      apiVersion,
      namespace,
      resource,
      subresource,
      name,
    });
  });
});

test.each(['/', '/api', '/api/', '/api/v1', '/apis', '/apis/apps', '/apis/apps/v1', '/healthz/etcd', '/version'])(
  '%s asks for no resource',
  (path) => {
    expect(parse('GET', path)).toMatchObject({ isResourceRequest: false, verb: 'get', path, resource: '' });
  },
);

test('broken escapes are refused', () => {
  expect(() => parse('GET', '/api/v1/%zz')).toThrow(/invalid URL escape/);
});

test('a field selector demands a value by = and ==, not by !=', () => {
  expect(exactField('a=1,spec.nodeName=n', 'spec.nodeName')).toBe('n');
  expect(exactField('spec.nodeName==n', 'spec.nodeName')).toBe('n');
  expect(exactField('spec.nodeName!=n', 'spec.nodeName')).toBeUndefined();
});
