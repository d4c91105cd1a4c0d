import { describe, expect, test } from 'vitest';
import { testRegistry } from '../registry/testing.suite.ts';

const url = '/apis/apps/v1/namespaces/default/deployments/d';
const headers = { 'content-type': 'application/apply-patch+yaml' };
const typeMeta = 'apiVersion: apps/v1\nkind: Deployment\n';
const yaml = (replicas: string, more = '') => `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: d
  labels: {app: web}
spec:
  ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: c
        image: busybox
${more}`;

type Call = Awaited<ReturnType<typeof testRegistry>>['call'];
const apply = (call: Call, manager: string, body: string, more = '') =>
  call('PATCH', `${url}?fieldManager=${manager}${more}`, { body, headers });

describe('apply', () => {
  test('creates, and records what was applied', async () => {
    const { call } = await testRegistry();
    const { status, body } = await apply(call, 'one', yaml('replicas: 2'));
    expect([status, body.spec.replicas, body.spec.template.spec.containers[0].image]).toEqual([201, 2, 'busybox']);
    expect(body.metadata.managedFields).toEqual([
      {
        manager: 'one',
        operation: 'Apply',
        apiVersion: 'apps/v1',
        time: '2026-01-01T00:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { 'f:app': {} } },
          'f:spec': {
            'f:replicas': {},
            'f:selector': {},
            'f:template': {
              'f:metadata': { 'f:labels': { 'f:app': {} } },
              'f:spec': { 'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:image': {}, 'f:name': {} } } },
            },
          },
        },
      },
    ]);
  });

  test('a configuration that is no JSON for a comma too many is YAML', async () => {
    const { call } = await testRegistry();
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } }).replace(/}$/, ',}');
    const maps = '/api/v1/namespaces/default/configmaps';
    expect((await call('PATCH', `${maps}/m?fieldManager=one`, { body, headers })).status).toBe(201);
  });

  test('the same again writes nothing', async () => {
    const { call, clock } = await testRegistry();
    const first = await apply(call, 'one', yaml('replicas: 2'));
    await clock.advance(5_000);
    const second = await apply(call, 'one', yaml('replicas: 2'));
    expect([second.status, second.body]).toEqual([200, first.body]);
  });

  test('what a manager no longer names goes, and items of others stay', async () => {
    const { call } = await testRegistry();
    await apply(call, 'one', yaml('replicas: 2', '        env: [{name: A, value: "1"}, {name: B, value: "2"}]\n'));
    await apply(
      call,
      'two',
      `${typeMeta}metadata: {name: d}\nspec: {template: {spec: {containers: [{name: c, env: [{name: C, value: "3"}]}]}}}`,
    );
    const { body } = await apply(call, 'one', yaml('paused: true', '        env: [{name: B, value: "4"}]\n'));
    expect(body.spec.template.spec.containers[0].env).toEqual([
      { name: 'B', value: '4' },
      { name: 'C', value: '3' },
    ]);
    expect([body.spec.replicas, body.spec.paused]).toEqual([1, true]);
  });

  test("another applier's field is a conflict, unless forced", async () => {
    const { call } = await testRegistry();
    await apply(call, 'one', yaml('replicas: 2'));
    const other = `${typeMeta}metadata: {name: d}\nspec: {replicas: 3}`;
    const refused = await apply(call, 'two', other);
    expect([refused.status, refused.body.message]).toEqual([
      409,
      'Apply failed with 1 conflict: conflict with "one": .spec.replicas',
    ]);
    expect(refused.body.details.causes).toEqual([
      { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.spec.replicas' },
    ]);
    const forced = await apply(call, 'two', other, '&force=true');
    expect(forced.body.spec.replicas).toBe(3);
    const [one, two] = forced.body.metadata.managedFields;
    expect(one.fieldsV1['f:spec']['f:replicas']).toBeUndefined();
    expect(two.fieldsV1).toEqual({ 'f:spec': { 'f:replicas': {} } });
  });

  test('a plain write takes over what it changes', async () => {
    const { call } = await testRegistry();
    await apply(call, 'one', yaml('replicas: 2'));
    const patched = await call('PATCH', `${url}?fieldManager=two`, {
      body: { spec: { replicas: 4 } },
      headers: { 'content-type': 'application/merge-patch+json' },
    });
    const [one, two] = patched.body.metadata.managedFields;
    expect(one.fieldsV1['f:spec']['f:replicas']).toBeUndefined();
    expect(two).toMatchObject({ manager: 'two', operation: 'Update', fieldsV1: { 'f:spec': { 'f:replicas': {} } } });
    const refused = await apply(call, 'one', yaml('replicas: 2'));
    expect(refused.body.message).toBe(
      'Apply failed with 1 conflict: conflict with "two" using apps/v1: .spec.replicas',
    );
  });

  test.each([
    ['no manager', '', yaml('replicas: 1'), 422, /fieldManager: Required value: is required for apply patch/],
    ['no YAML', 'one', 'a: [', 400, /error decoding YAML/],
    ['another name', 'one', `${typeMeta}metadata: {name: e}`, 400, /does not match the name on the URL/],
    [
      'another kind',
      'one',
      'apiVersion: apps/v1\nkind: ReplicaSet',
      400,
      /invalid object type: apps\/v1, Kind=ReplicaSet/,
    ],
  ])('%s is refused', async (_what, manager, body, status, message) => {
    const { call } = await testRegistry();
    const answer = await apply(call, manager, body);
    expect(answer.status).toBe(status);
    expect(answer.body.message).toMatch(message);
  });
});
