import { afterEach, expect, test } from 'vitest';
import { admin, testServer, type TestServer } from '../../testing.suite.ts';

let running: TestServer;
afterEach(() => running.server.stop());

const api = 'admissionregistration.k8s.io/v1';
const constraints = {
  resourceRules: [
    { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] },
  ],
};

async function start() {
  running = await testServer({ authorizationMode: ['AlwaysAllow'] });
  const call = (method: string, url: string, body?: unknown) =>
    running.call(method, url, { user: admin, headers: { 'content-type': 'application/json' }, body });
  const make = async (kind: string, name: string, spec: unknown) => {
    const plural = `${kind.toLowerCase().replace(/y$/, 'ie')}s`;
    const answer = await call('POST', `/apis/${api}/${plural}`, { apiVersion: api, kind, metadata: { name }, spec });
    expect(answer.status, answer.text).toBe(201);
  };
  const configMap = (name: string, data: Record<string, string>) =>
    call('POST', '/api/v1/namespaces/default/configmaps', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name },
      data,
    });
  return { make, configMap };
}

test('a validating policy refuses, by its binding and in its words', async () => {
  const { make, configMap } = await start();
  await make('ValidatingAdmissionPolicy', 'p', {
    matchConstraints: constraints,
    matchConditions: [{ name: 'not-free', expression: "!object.metadata.name.startsWith('free')" }],
    variables: [{ name: 'color', expression: "object.data.?color.orValue('none')" }],
    validations: [
      { expression: "variables.color != 'red'", messageExpression: "'no ' + variables.color + ' here'" },
      { expression: "request.operation == 'CREATE' && namespaceObject.metadata.name == 'default'" },
    ],
  });
  expect((await configMap('a', { color: 'red' })).status).toBe(201);
  await make('ValidatingAdmissionPolicyBinding', 'b', { policyName: 'p', validationActions: ['Deny'] });
  const refused = await configMap('c', { color: 'red' });
  expect(refused.json).toMatchObject({
    code: 422,
    reason: 'Invalid',
    message:
      "configmaps \"c\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no red here",
  });
  expect((await configMap('d', { color: 'blue' })).status).toBe(201);
  expect((await configMap('free-e', { color: 'red' })).status).toBe(201);
});

test('a mutating policy changes what is written', async () => {
  const { make, configMap } = await start();
  await make('MutatingAdmissionPolicy', 'm', {
    matchConstraints: constraints,
    reinvocationPolicy: 'Never',
    mutations: [
      {
        patchType: 'ApplyConfiguration',
        applyConfiguration: { expression: "Object{metadata: Object.metadata{annotations: {'a': 'b'}}}" },
      },
      {
        patchType: 'JSONPatch',
        jsonPatch: { expression: "[JSONPatch{op: 'add', path: '/data/' + jsonpatch.escapeKey('x'), value: 'y'}]" },
      },
    ],
  });
  await make('MutatingAdmissionPolicyBinding', 'b', { policyName: 'm' });
  const made = await configMap('c', { k: 'v' });
  expect(made.json).toMatchObject({ metadata: { annotations: { a: 'b' } }, data: { k: 'v', x: 'y' } });
});
