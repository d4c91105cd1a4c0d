import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KubeObject, OwnerReference } from '../../machinery/meta/object.ts';
import { type Identity, OwnerGraph } from './graph.ts';
import { type OwnerState, planDelete } from './plan.ts';

const identity = (uid: string): Identity => ({ apiVersion: 'v1', kind: 'Thing', namespace: 'ns', name: uid, uid });
const reference = (uid: string, blockOwnerDeletion = true): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'Thing',
  name: uid,
  uid,
  blockOwnerDeletion,
});
const object = (
  uid: string,
  owners: readonly string[] = [],
  more: Partial<KubeObject['metadata']> = {},
): KubeObject => ({
  metadata: { name: uid, namespace: 'ns', uid, ownerReferences: owners.map((o) => reference(o)), ...more },
});
const uids = (nodes: readonly { readonly identity: Identity }[]) => nodes.map((n) => n.identity.uid).sort();

test('owner graph, a dependent before its owner, asks for the owner, and is content when it comes', () => {
  const graph = new OwnerGraph();
  expect(uids(graph.observe(identity('child'), object('child', ['parent'])).attemptToDelete)).toEqual(['parent']);
  expect(graph.get('parent')!.isVirtual).toBe(true);
  expect(graph.observe(identity('parent'), object('parent')).attemptToDelete).toEqual([]);
  expect(uids([...graph.get('parent')!.dependents])).toEqual(['child']);
});

test('owner graph, an owner removed, has its dependents looked at', () => {
  const graph = new OwnerGraph();
  graph.observe(identity('parent'), object('parent'));
  graph.observe(identity('a'), object('a', ['parent']));
  graph.observe(identity('b'), object('b', ['parent']));
  expect(uids(graph.remove('parent').attemptToDelete)).toEqual(['a', 'b']);
  graph.remove('a');
  graph.remove('b');
  expect(graph.size).toBe(0);
});

test('owner graph, foreground deletion, looks at dependents, then at the owner as each of them goes', () => {
  const graph = new OwnerGraph();
  const going = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['foregroundDeletion'] };
  graph.observe(identity('parent'), object('parent'));
  graph.observe(identity('child'), object('child', ['parent']));
  const change = graph.observe(identity('parent'), object('parent', [], going));
  expect(uids(change.attemptToDelete)).toEqual(['child', 'parent']);
  expect(uids(graph.get('parent')!.blockingDependents())).toEqual(['child']);
  expect(uids(graph.remove('child').attemptToDelete)).toEqual(['parent']);
});

test('owner graph, a reference that errs in the name, has the dependent looked at', () => {
  const graph = new OwnerGraph();
  graph.observe(identity('parent'), object('parent'));
  const wrong = { ...reference('parent'), name: 'other' };
  const change = graph.observe(identity('child'), object('child', [], { ownerReferences: [wrong] }));
  expect(uids(change.attemptToDelete)).toEqual(['child']);
});

test('owner graph, any history, dependents are exactly those that refer, and nothing is left of what is gone', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const step = fc.oneof(
    fc.record({ do: fc.constant('put' as const), uid: fc.constantFrom(...names), owners: fc.subarray(names) }),
    fc.record({ do: fc.constant('remove' as const), uid: fc.constantFrom(...names), owners: fc.constant([]) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const graph = new OwnerGraph();
      const there = new Map<string, readonly string[]>();
      for (const { do: what, uid, owners } of steps) {
        const own = owners.filter((o) => o !== uid);
        if (what === 'put') {
          graph.observe(identity(uid), object(uid, own));
          there.set(uid, own);
        } else if (there.delete(uid)) graph.remove(uid);
        for (const name of names) {
          const referring = [...there].filter(([, list]) => list.includes(name)).map(([n]) => n);
          const node = graph.get(name);
          expect(node !== undefined).toBe(there.has(name) || referring.length > 0);
          if (node) {
            expect(uids([...node.dependents])).toEqual(referring.sort());
            expect(node.isVirtual).toBe(!there.has(name));
          }
        }
      }
    }),
  );
});

test.each<[string, OwnerState[], 'none' | 'some' | 'deleting', string[], object]>([
  ['no owner', [], 'none', [], { kind: 'keep' }],
  ['an owner that is there', ['solid'], 'some', [], { kind: 'keep' }],
  ['one there, one absent', ['solid', 'absent'], 'none', [], { kind: 'dropOwners', uids: ['o1'] }],
  ['all absent', ['absent'], 'some', [], { kind: 'delete', policy: 'Background', unblockOwners: false }],
  [
    'absent, and it orphans',
    ['absent'],
    'some',
    ['orphan'],
    { kind: 'delete', policy: 'Orphan', unblockOwners: false },
  ],
  [
    'absent, foreground asked before',
    ['absent'],
    'none',
    ['foregroundDeletion'],
    { kind: 'delete', policy: 'Foreground', unblockOwners: false },
  ],
  [
    'owner waits, dependents of its own',
    ['waiting'],
    'some',
    [],
    { kind: 'delete', policy: 'Foreground', unblockOwners: false },
  ],
  [
    'owner waits, and so does a dependent: a ring',
    ['waiting'],
    'deleting',
    [],
    { kind: 'delete', policy: 'Foreground', unblockOwners: true },
  ],
  [
    'owner waits, no dependents',
    ['waiting'],
    'none',
    [],
    { kind: 'delete', policy: 'Background', unblockOwners: false },
  ],
])('deletion plan, %s', (_, states, dependents, finalizers, expected) => {
  const owners = states.map((state, i) => ({ reference: reference(`o${i}`), state }));
  expect(planDelete({ object: object('x', [], { finalizers }), owners, dependents })).toEqual(expected);
});
