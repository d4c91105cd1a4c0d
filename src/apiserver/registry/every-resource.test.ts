/** Every stored resource of the table goes through all verbs. */
import { describe, expect, test } from 'vitest';
import { kinds } from '../../apis/index.ts';
import { builtinResources } from './builtin.ts';
import { minimalObjects } from './minimal-objects.suite.ts';
import type { Resource } from './resource.ts';
import { testRegistry } from './testing.suite.ts';

const resources = builtinResources(kinds).filter((resource) => resource.storage);

function pathOf(resource: Resource, namespace = 'default'): string {
  const root = resource.group === '' ? '/api' : `/apis/${resource.group}`;
  const middle = resource.namespaced ? `/namespaces/${namespace}` : '';
  return `${root}/${resource.version}${middle}/${resource.plural}`;
}

const nameOf = (resource: Resource) => {
  switch (resource.kind) {
    case 'CustomResourceDefinition':
      return 'things.example.com';
    case 'APIService':
      return 'v1.example.com';
    case 'IPAddress':
      return '10.96.0.7';
    default:
      return 'an-object';
  }
};

/** Deleted, they stay until somebody has emptied them. */
const waitsForContent = (kind: string) => kind === 'Namespace' || kind === 'CustomResourceDefinition';

describe.each(resources.map((resource) => [`${resource.apiVersion} ${resource.plural}`, resource] as const))(
  '%s',
  (_title, resource) => {
    const base = pathOf(resource);
    const name = nameOf(resource);
    const object = {
      apiVersion: resource.apiVersion,
      kind: resource.kind,
      metadata: { name, labels: { app: 'x' } },
      ...minimalObjects[`${resource.group}/${resource.plural}`],
    };

    test('is created, read, watched, updated, patched and deleted', async () => {
      const { call, watch, errors } = await testRegistry();
      const events = await watch(`${base}?resourceVersion=0&allowWatchBookmarks=true`);

      const created = await call('POST', `${base}?fieldValidation=Strict`, { body: object });
      expect(created.status, JSON.stringify(created.body)).toBe(201);
      expect(created.body).toMatchObject({ apiVersion: resource.apiVersion, kind: resource.kind });
      const again = await call('POST', base, { body: object });
      expect([again.status, again.body.reason]).toEqual([409, 'AlreadyExists']);

      const got = await call('GET', `${base}/${name}`);
      expect(got.body).toEqual(created.body);
      const list = await call('GET', `${base}?labelSelector=app%3Dx`);
      expect(list.body.kind).toBe(`${resource.kind}List`);
      expect(list.body.items).toHaveLength(1);
      expect(list.body.items[0].metadata).toEqual(created.body.metadata);
      const table = await call('GET', base, {
        headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' },
      });
      expect(table.body.kind).toBe('Table');
      expect(table.body.rows[0].cells).toHaveLength(table.body.columnDefinitions.length);
      expect(table.body.rows[0].cells).not.toContain('<invalid>');

      const unchanged = await call('PUT', `${base}/${name}`, { body: got.body });
      expect(unchanged.body, 'an update that changes nothing writes nothing').toEqual(got.body);
      const labelled = structuredClone(got.body);
      labelled.metadata.labels.more = '1';
      const updated = await call('PUT', `${base}/${name}`, { body: labelled });
      expect(updated.status, JSON.stringify(updated.body)).toBe(200);
      expect(updated.body.metadata.labels.more).toBe('1');
      expect(Number(updated.body.metadata.resourceVersion)).toBeGreaterThan(Number(got.body.metadata.resourceVersion));
      const stale = await call('PUT', `${base}/${name}`, {
        body: { ...labelled, metadata: { ...labelled.metadata, labels: {} } },
      });
      expect([stale.status, stale.body.reason]).toEqual([409, 'Conflict']);

      const patches: [string, unknown][] = [
        ['application/merge-patch+json', { metadata: { annotations: { a: 'merge' } } }],
        ['application/strategic-merge-patch+json', { metadata: { annotations: { a: 'strategic' } } }],
        ['application/json-patch+json', [{ op: 'replace', path: '/metadata/annotations/a', value: 'json' }]],
      ];
      for (const [type, body] of patches) {
        const patched = await call('PATCH', `${base}/${name}`, { body, headers: { 'content-type': type } });
        expect(patched.status, `${type}: ${JSON.stringify(patched.body)}`).toBe(200);
        expect(patched.body.metadata.annotations.a).toBe(type.replace(/application\/|-merge-patch|-patch|\+json/g, ''));
      }

      const deleted = await call('DELETE', `${base}/${name}?propagationPolicy=Background`);
      expect(deleted.status).toBe(200);
      if (waitsForContent(resource.kind)) return;
      expect((await call('GET', `${base}/${name}`)).status).toBe(404);
      const seen = await events.take(6);
      expect(seen.map((e) => e.type)).toEqual(['ADDED', 'MODIFIED', 'MODIFIED', 'MODIFIED', 'MODIFIED', 'DELETED']);
      expect(seen[0]!.object).toEqual(created.body);
      expect(Number(seen[5]!.object.metadata.resourceVersion)).toBeGreaterThan(
        Number(seen[4]!.object.metadata.resourceVersion),
      );
      expect(errors).toEqual([]);
    });

    if (!resource.verbs.includes('deletecollection')) return;
    test('is deleted as a collection', async () => {
      const { call } = await testRegistry();
      const created = await call('POST', base, { body: object });
      expect(created.status, JSON.stringify(created.body)).toBe(201);
      const kept = await call('DELETE', `${base}?labelSelector=app%3Dy`);
      expect([kept.status, kept.body.items.length]).toEqual([200, 0]);
      const deleted = await call('DELETE', `${base}?labelSelector=app%3Dx&propagationPolicy=Background`);
      expect([deleted.status, deleted.body.items.length]).toEqual([200, 1]);
      if (!waitsForContent(resource.kind)) expect((await call('GET', base)).body.items).toEqual([]);
    });
  },
);
