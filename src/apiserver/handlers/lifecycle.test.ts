import { describe, expect, test } from 'vitest';
import { configMap, testRegistry } from '../registry/testing.suite.ts';

const maps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const merge = { 'content-type': 'application/merge-patch+json' };
const pod = (name: string, more: object = {}) => ({
  metadata: { name, ...more },
  spec: { containers: [{ name: 'c', image: 'i' }] },
});

describe('create', () => {
  test('generateName', async () => {
    const { call } = await testRegistry();
    const { body } = await call('POST', maps, { body: { metadata: { generateName: 'a-' } } });
    expect(body.metadata.name).toMatch(/^a-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  test('dryRun answers as if, and writes nothing', async () => {
    const { call, store } = await testRegistry();
    const before = store.revision;
    const { status, body } = await call('POST', `${maps}?dryRun=All`, { body: configMap('a') });
    expect([status, body.metadata.name, body.metadata.resourceVersion]).toEqual([201, 'a', undefined]);
    expect(store.revision).toBe(before);
    expect((await call('GET', `${maps}/a`)).status).toBe(404);
  });

  test('an unknown field is a warning', async () => {
    const { call } = await testRegistry();
    const { status, warnings } = await call('POST', maps, { body: { ...configMap('a'), foo: 1 } });
    expect([status, warnings]).toEqual([201, ['unknown field "foo"']]);
    const silent = await call('POST', `${maps}?fieldValidation=Ignore`, { body: { ...configMap('b'), foo: 1 } });
    expect(silent.warnings).toEqual([]);
  });

  test('PUT creates where the kind allows it', async () => {
    const { call } = await testRegistry();
    const lease = '/apis/coordination.k8s.io/v1/namespaces/default/leases/l';
    const { status } = await call('PUT', lease, { body: { metadata: { name: 'l' }, spec: {} } });
    expect(status).toBe(201);
    const other = lease.replace(/l$/, 'm');
    const again = await call('PUT', other, { body: { metadata: { name: 'm', resourceVersion: '7' }, spec: {} } });
    expect(again.status, 'the version of one that is gone').toBe(201);
    const gone = lease.replace(/l$/, 'n');
    const refused = await call('PUT', gone, { body: { metadata: { name: 'n', uid: 'x' }, spec: {} } });
    expect([refused.status, refused.body.reason]).toEqual([409, 'Conflict']);
  });

  test('Events expire', async () => {
    const { call, clock } = await testRegistry();
    const events = '/api/v1/namespaces/default/events';
    const body = { metadata: { name: 'e' }, involvedObject: { namespace: 'default' }, message: 'm' };
    expect((await call('POST', events, { body })).status).toBe(201);
    const other = await call('GET', '/apis/events.k8s.io/v1/namespaces/default/events/e');
    expect([other.body.apiVersion, other.body.note]).toEqual(['events.k8s.io/v1', 'm']);
    await clock.advance(3_700_000);
    expect((await call('GET', `${events}/e`)).status).toBe(404);
  });
});

describe('update', () => {
  test('the uid is a precondition', async () => {
    const { call } = await testRegistry();
    await call('POST', maps, { body: configMap('a') });
    const { status, body } = await call('PUT', `${maps}/a`, { body: { metadata: { name: 'a', uid: 'other' } } });
    expect([status, body.reason]).toEqual([409, 'Conflict']);
    expect(body.message).toContain('Precondition failed: UID in precondition: other, UID in object meta: ');
  });

  test('without a version it replaces whatever is there', async () => {
    const { call } = await testRegistry();
    await call('POST', maps, { body: configMap('a') });
    const { status, body } = await call('PUT', `${maps}/a`, { body: configMap('a', { x: 'y' }) });
    expect([status, body.data]).toEqual([200, { x: 'y' }]);
  });

  test('concurrent patches all apply', async () => {
    const { call } = await testRegistry();
    await call('POST', maps, { body: configMap('a') });
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        call('PATCH', `${maps}/a`, { body: { data: { [`k${i}`]: '1' } }, headers: merge }),
      ),
    );
    expect(answers.map((a) => a.status)).toEqual(new Array(8).fill(200));
    expect(Object.keys((await call('GET', `${maps}/a`)).body.data)).toHaveLength(8);
  });

  test('a patch with a stale version is a conflict, one that does not apply an error', async () => {
    const { call } = await testRegistry();
    await call('POST', maps, { body: configMap('a') });
    const stale = await call('PATCH', `${maps}/a`, { body: { metadata: { resourceVersion: '1' } }, headers: merge });
    expect([stale.status, stale.body.reason]).toEqual([409, 'Conflict']);
    const absent = await call('PATCH', `${maps}/a`, {
      body: [{ op: 'remove', path: '/data/x' }],
      headers: { 'content-type': 'application/json-patch+json' },
    });
    expect(absent.status).toBe(422);
  });

  test('status and the rest are written apart', async () => {
    const { call } = await testRegistry();
    const { body: created } = await call('POST', pods, { body: { ...pod('p'), status: { phase: 'Running' } } });
    expect(created.status.phase).toBe('Pending');
    const { body } = await call('PUT', `${pods}/p/status`, {
      body: { ...created, spec: { containers: [] }, status: { phase: 'Running' } },
    });
    expect([body.status.phase, body.spec.containers.length]).toEqual(['Running', 1]);
    const labelled = await call('PATCH', `${pods}/p`, {
      body: { metadata: { labels: { a: 'b' } }, status: { phase: 'Failed' } },
      headers: merge,
    });
    expect([labelled.body.status.phase, labelled.body.metadata.labels]).toEqual(['Running', { a: 'b' }]);
  });
});

test('keys that JavaScript treats as special are ordinary data', async () => {
  const { call, watch, raw } = await testRegistry();
  const data = (text: string) => `{"metadata":{"name":"a"},"data":${text}}`;
  const special = '{"10":"x","2":"y","__proto__":"z","constructor":"c"}';
  const dataOf = async () => {
    const response = await raw('GET', `${maps}/a`);
    if (response.kind !== 'bytes') throw new Error(response.kind);
    return /"data":(\{[^}]*\})/.exec(new TextDecoder().decode(response.body))?.[1];
  };
  await call('POST', maps, { body: data(special) });
  expect(await dataOf()).toBe(special);
  const patches: [string, string][] = [
    ['merge-patch+json', '{"data":{"__proto__":"merge"}}'],
    ['strategic-merge-patch+json', '{"data":{"__proto__":"strategic"}}'],
    ['json-patch+json', '[{"op":"replace","path":"/data/__proto__","value":"json"}]'],
    ['apply-patch+yaml', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"__proto__":"apply"}}'],
  ];
  for (const [type, body] of patches) {
    const headers = { 'content-type': `application/${type}` };
    const force = type.startsWith('apply') ? '&force=true' : '';
    const { status } = await call('PATCH', `${maps}/a?fieldManager=m${force}`, { body, headers });
    expect(status, type).toBe(200);
    expect(await dataOf()).toBe(special.replace('"z"', `"${type.split('-')[0]}"`));
  }
  const [event] = await (await watch(maps)).take(1);
  expect(Object.keys(event!.object.data)).toContain('__proto__');
  await call('PATCH', `${maps}/a`, { body: '{"data":{"__proto__":null}}', headers: merge });
  expect(await dataOf()).toBe('{"10":"x","2":"y","constructor":"c"}');
});

test('integers beyond 2^53 are kept', async () => {
  const { call, raw } = await testRegistry();
  const revisions = '/apis/apps/v1/namespaces/default/controllerrevisions';
  await call('POST', revisions, {
    body: '{"metadata":{"name":"a"},"revision":9007199254740993,"data":{"n":9007199254740995}}',
  });
  await call('PATCH', `${revisions}/a`, { body: { metadata: { labels: { a: 'b' } } }, headers: merge });
  const response = await raw('GET', `${revisions}/a`);
  const text = response.kind === 'bytes' ? new TextDecoder().decode(response.body) : '';
  expect(text).toContain('"revision":9007199254740993');
  expect(text).toContain('"n":9007199254740995');
});

describe('delete', () => {
  test('preconditions', async () => {
    const { call } = await testRegistry();
    await call('POST', maps, { body: configMap('a') });
    const refused = await call('DELETE', `${maps}/a`, { body: { preconditions: { uid: 'x' } } });
    expect([refused.status, refused.body.reason]).toEqual([409, 'Conflict']);
  });

  test('finalizers hold the object until the last is gone', async () => {
    const { call } = await testRegistry();
    const object = configMap('a');
    object.metadata.finalizers = ['example.com/hold'];
    await call('POST', maps, { body: object });
    const marked = await call('DELETE', `${maps}/a`);
    expect(marked.body.metadata).toMatchObject({
      deletionTimestamp: '2026-01-01T00:00:00Z',
      deletionGracePeriodSeconds: 0,
    });
    const again = await call('DELETE', `${maps}/a`);
    expect(again.body.metadata.resourceVersion).toBe(marked.body.metadata.resourceVersion);
    const added = await call('PATCH', `${maps}/a`, {
      body: { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } },
      headers: merge,
    });
    expect(added.status).toBe(422);
    const released = await call('PATCH', `${maps}/a`, { body: { metadata: { finalizers: null } }, headers: merge });
    expect(released.status).toBe(200);
    expect((await call('GET', `${maps}/a`)).status).toBe(404);
  });

  test.each([
    ['Orphan', ['orphan']],
    ['Foreground', ['foregroundDeletion']],
  ])('propagationPolicy %s', async (propagationPolicy, finalizers) => {
    const { call } = await testRegistry();
    await call('POST', maps, { body: configMap('a') });
    const { body } = await call('DELETE', `${maps}/a?propagationPolicy=${propagationPolicy}`);
    expect(body.metadata.finalizers).toEqual(finalizers);
    expect(body.metadata.deletionTimestamp).toBeDefined();
  });

  test('a pod on a node has its grace, which can only get shorter', async () => {
    const { call, clock } = await testRegistry();
    await call('POST', pods, { body: pod('p') });
    const target = { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } };
    expect((await call('POST', `${pods}/p/binding`, { body: target })).status).toBe(201);
    const marked = await call('DELETE', `${pods}/p`);
    expect(marked.body.metadata).toMatchObject({
      deletionGracePeriodSeconds: 30,
      deletionTimestamp: '2026-01-01T00:00:30Z',
    });
    await clock.advance(5_000);
    const longer = await call('DELETE', `${pods}/p?gracePeriodSeconds=60`);
    expect(longer.body.metadata.deletionGracePeriodSeconds).toBe(30);
    const shorter = await call('DELETE', `${pods}/p`, { body: { gracePeriodSeconds: 10 } });
    expect(shorter.body.metadata).toMatchObject({
      deletionGracePeriodSeconds: 10,
      deletionTimestamp: '2026-01-01T00:00:10Z',
    });
    const { uid } = shorter.body.metadata;
    const gone = await call('DELETE', `${pods}/p`, { body: { gracePeriodSeconds: 0, preconditions: { uid } } });
    expect([gone.status, gone.body.kind]).toEqual([200, 'Pod']);
    expect((await call('GET', `${pods}/p`)).status).toBe(404);
  });

  test('a namespace terminates and goes with its last finalizer', async () => {
    const { call } = await testRegistry();
    const ns = '/api/v1/namespaces/x';
    await call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'x' } } });
    const { body } = await call('DELETE', ns);
    expect([body.status.phase, body.spec.finalizers]).toEqual(['Terminating', ['kubernetes']]);
    const held = await call('DELETE', ns);
    expect(held.status).toBe(200);
    const finalized = await call('PUT', `${ns}/finalize`, { body: { ...body, spec: {} } });
    expect(finalized.status, JSON.stringify(finalized.body)).toBe(200);
    expect((await call('GET', ns)).status).toBe(404);
  });
});

describe('sub-resources', () => {
  const deployments = '/apis/apps/v1/namespaces/default/deployments';
  const deployment = {
    metadata: { name: 'd' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: pod('x').spec },
    },
  };

  test('scale is read, replaced and patched', async () => {
    const { call } = await testRegistry();
    await call('POST', deployments, { body: deployment });
    const { body: scale } = await call('GET', `${deployments}/d/scale`);
    expect(scale).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 2 },
      status: { replicas: 0, selector: 'a=b' },
    });
    const put = await call('PUT', `${deployments}/d/scale`, { body: { ...scale, spec: { replicas: 3 } } });
    expect([put.status, put.body.spec]).toEqual([200, { replicas: 3 }]);
    const stale = await call('PUT', `${deployments}/d/scale`, { body: { ...scale, spec: { replicas: 4 } } });
    expect(stale.status).toBe(409);
    const patched = await call('PATCH', `${deployments}/d/scale`, { body: { spec: { replicas: 5 } }, headers: merge });
    expect(patched.body.spec).toEqual({ replicas: 5 });
    const { body } = await call('GET', `${deployments}/d`);
    expect([body.spec.replicas, body.metadata.generation]).toEqual([5, 3]);
    const negative = await call('PATCH', `${deployments}/d/scale`, {
      body: { spec: { replicas: -1 } },
      headers: merge,
    });
    expect(negative.status).toBe(422);
  });

  test('a pod is bound once', async () => {
    const { call } = await testRegistry();
    await call('POST', pods, { body: pod('p') });
    const body = { metadata: { name: 'p', annotations: { a: 'b' } }, target: { kind: 'Node', name: 'n' } };
    const bound = await call('POST', '/api/v1/namespaces/default/bindings', { body });
    expect([bound.status, bound.body.status]).toEqual([201, 'Success']);
    const { body: p } = await call('GET', `${pods}/p`);
    expect([p.spec.nodeName, p.metadata.annotations]).toEqual(['n', { a: 'b' }]);
    expect(p.status.conditions).toMatchObject([
      { type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' },
    ]);
    const again = await call('POST', `${pods}/p/binding`, { body });
    expect(again.body.message).toBe(
      'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n"',
    );
  });

  test('a pod is resized and given ephemeral containers, each apart from the rest', async () => {
    const { call } = await testRegistry();
    const burstable = pod('p');
    Object.assign(burstable.spec.containers[0]!, { resources: { requests: { cpu: '2' } } });
    await call('POST', pods, { body: burstable });
    const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
    const resized = await call('PATCH', `${pods}/p/resize`, {
      body: {
        spec: { hostname: 'h', containers: [{ name: 'c', image: 'other', resources: { requests: { cpu: '1' } } }] },
      },
      headers: strategic,
    });
    expect(resized.status, JSON.stringify(resized.body)).toBe(200);
    expect(resized.body.spec.hostname).toBeUndefined();
    expect(resized.body.spec.containers[0]).toMatchObject({ image: 'i', resources: { requests: { cpu: '1' } } });
    expect(resized.body.metadata.generation).toBe(2);
    const debugged = await call('PATCH', `${pods}/p/ephemeralcontainers`, {
      body: { spec: { ephemeralContainers: [{ name: 'e', image: 'debug' }] } },
      headers: strategic,
    });
    expect(debugged.status, JSON.stringify(debugged.body)).toBe(200);
    expect(debugged.body.spec.ephemeralContainers[0].name).toBe('e');
  });

  test('an eviction asks the disruption budgets', async () => {
    const { call } = await testRegistry();
    const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
    await call('POST', pods, { body: pod('p', { labels: { a: 'b' } }) });
    await call('PATCH', `${pods}/p/status`, {
      body: { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } },
      headers: merge,
    });
    await call('POST', budgets, {
      body: { metadata: { name: 'b' }, spec: { minAvailable: 1, selector: { matchLabels: { a: 'b' } } } },
    });
    const eviction = { metadata: { name: 'p' } };
    const early = await call('POST', `${pods}/p/eviction`, { body: eviction });
    expect([early.status, early.body.details.causes[0].reason]).toEqual([429, 'DisruptionBudget']);
    const allow = (disruptionsAllowed: number) =>
      call('PATCH', `${budgets}/b/status`, {
        body: { status: { observedGeneration: 1, disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1 } },
        headers: merge,
      });
    await allow(0);
    const refused = await call('POST', `${pods}/p/eviction`, { body: eviction });
    expect(refused.body.message).toBe("Cannot evict pod as it would violate the pod's disruption budget.");
    await allow(1);
    const older = { ...eviction, apiVersion: 'policy/v1beta1', kind: 'Eviction' }; // some clients still send it
    const evicted = await call('POST', `${pods}/p/eviction`, { body: older });
    expect([evicted.status, evicted.body.status]).toEqual([201, 'Success']);
    expect((await call('GET', `${pods}/p`)).status).toBe(404);
    const { body: budget } = await call('GET', `${budgets}/b`);
    expect(budget.status.disruptionsAllowed).toBe(0);
    expect(Object.keys(budget.status.disruptedPods)).toEqual(['p']);
  });

  test('an eviction says in the pod why it ends, before it is deleted', async () => {
    const { call } = await testRegistry();
    await call('POST', pods, { body: pod('p', { finalizers: ['a.example.com/f'] }) });
    const dry = { metadata: { name: 'p' }, deleteOptions: { dryRun: ['All'] } };
    expect((await call('POST', `${pods}/p/eviction`, { body: dry })).status).toBe(201);
    expect((await call('GET', `${pods}/p`)).body.status.conditions).toBeUndefined();
    const uid = { metadata: { name: 'p' }, deleteOptions: { preconditions: { uid: 'other' } } };
    expect((await call('POST', `${pods}/p/eviction`, { body: uid })).body.message).toMatch(
      /^Operation cannot be fulfilled on Pod "p": the UID in the precondition \(other\) does not match/,
    );
    const before = (await call('GET', `${pods}/p`)).body.metadata.resourceVersion;
    const preconditions = { resourceVersion: before };
    const evicted = await call('POST', `${pods}/p/eviction`, {
      body: { metadata: { name: 'p' }, deleteOptions: { preconditions } },
    });
    expect([evicted.status, evicted.body]).toMatchObject([201, { status: 'Success', code: 201 }]);
    const { body } = await call('GET', `${pods}/p`);
    expect(body.metadata.deletionTimestamp).toBeDefined();
    expect(body.status.conditions).toMatchObject([
      { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' },
    ]);
    const stale = { metadata: { name: 'p' }, deleteOptions: { preconditions } };
    expect((await call('POST', `${pods}/p/eviction`, { body: stale })).status).toBe(409);
  });

  test('two budgets of one pod are an answer of their own', async () => {
    const { call } = await testRegistry();
    await call('POST', pods, { body: pod('p', { labels: { a: 'b' } }) });
    await call('PATCH', `${pods}/p/status`, { body: { status: { phase: 'Running' } }, headers: merge });
    for (const name of ['b', 'c'])
      await call('POST', '/apis/policy/v1/namespaces/default/poddisruptionbudgets', {
        body: { metadata: { name }, spec: { minAvailable: 1, selector: { matchLabels: { a: 'b' } } } },
      });
    const { status, body } = await call('POST', `${pods}/p/eviction`, { body: { metadata: { name: 'p' } } });
    expect([status, body.status, body.code]).toEqual([201, 'Failure', 500]);
    expect(body.message).toMatch(/^This pod has more than one PodDisruptionBudget/);
  });
});
