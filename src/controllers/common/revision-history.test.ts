import { expect, it } from 'vitest';
import { planRevisions } from './revision-history.ts';

it('a revision holds its template as Go writes it: keys in order, at every depth', () => {
  const { current } = planRevisions({
    owner: { name: 'd', namespace: 'ns', reference: { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: 'u' } },
    template: { spec: { containers: [{ name: 'a', image: 'b' }] }, metadata: { labels: { z: '1', a: '2' } } },
    labels: undefined,
    revisions: [],
    live: new Set(),
    limit: 10,
    collisions: undefined,
  });
  expect(JSON.stringify(current.data)).toBe(
    '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"a":"2","z":"1"}},"spec":{"containers":[{"image":"b","name":"a"}]}}}}',
  );
});
