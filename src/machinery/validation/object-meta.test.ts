import { expect, test } from 'vitest';
import type { ObjectMeta } from '../meta/object.ts';
import { fieldErrorText } from './field-error.ts';
import { nameIsDns1035Label, nameIsDnsLabel, nameIsPathSegment } from './formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from './object-meta.ts';

const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const key =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

const ok: ObjectMeta = { name: 'x', namespace: 'ns' };

test.each<[string, ObjectMeta, string[]]>([
  ['fine', ok, []],
  ['no name', { namespace: 'ns' }, ['metadata.name: Required value: name or generateName is required']],
  ['upper case', { ...ok, name: 'Web' }, [`metadata.name: Invalid value: "Web": ${subdomain}`]],
  [
    '300 characters',
    { ...ok, name: 'a'.repeat(300) },
    [`metadata.name: Invalid value: "${'a'.repeat(300)}": must be no more than 253 characters`],
  ],
  ['generateName may end in a dash', { ...ok, generateName: 'web-' }, []],
  ['no namespace', { name: 'x' }, ['metadata.namespace: Required value']],
  ['label key', { ...ok, labels: { 'a b': 'c' } }, [`metadata.labels: Invalid value: "a b": name part ${key}`]],
  [
    'label value',
    { ...ok, labels: { a: 'b'.repeat(64) } },
    [`metadata.labels: Invalid value: "${'b'.repeat(64)}": must be no more than 63 bytes`],
  ],
  ['annotation keys ignore case', { ...ok, annotations: { 'Example.com/A': '' } }, []],
  [
    'annotations too large',
    { ...ok, annotations: { a: 'x'.repeat(262144) } },
    ['metadata.annotations: Too long: may not be more than 262144 bytes'],
  ],
  ['largest annotations', { ...ok, annotations: { a: 'x'.repeat(262143) } }, []],
  [
    'two controllers',
    {
      ...ok,
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'A', name: 'a', uid: '1', controller: true },
        { apiVersion: 'apps/v1', kind: 'B', name: 'b', uid: '2', controller: true },
      ],
    },
    [
      'metadata.ownerReferences: Invalid value: [{"apiVersion":"apps/v1","kind":"A","name":"a","uid":"1","controller":true},{"apiVersion":"apps/v1","kind":"B","name":"b","uid":"2","controller":true}]: Only one reference can have Controller set to true. Found "true" in references for A/a and B/b',
    ],
  ],
  [
    'owner without uid',
    { ...ok, ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: '' }] },
    ['metadata.ownerReferences.uid: Invalid value: "": must not be empty'],
  ],
  ['bad finalizer', { ...ok, finalizers: ['a b'] }, [`metadata.finalizers: Invalid value: "a b": name part ${key}`]],
])('create: %s', (_, meta, expected) => {
  expect(validateObjectMeta(meta, { namespaced: true }).map(fieldErrorText)).toEqual(expected);
});

test('cluster scope refuses a namespace', () => {
  expect(validateObjectMeta(ok, { namespaced: false }).map(fieldErrorText)).toEqual([
    'metadata.namespace: Forbidden: not allowed on this type',
  ]);
});

test.each<[string, Partial<ObjectMeta>, Partial<ObjectMeta>, string[]]>([
  ['nothing', {}, {}, []],
  [
    'no resourceVersion',
    { resourceVersion: '' },
    {},
    ['metadata.resourceVersion: Invalid value: "": must be specified for an update'],
  ],
  ['uid', { uid: 'b' }, { uid: 'a' }, ['metadata.uid: Invalid value: "b": field is immutable']],
  [
    'new finalizer while deleting',
    { finalizers: ['b', 'a'], deletionTimestamp: 't' },
    { finalizers: ['a'], deletionTimestamp: 't' },
    [
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"b"}',
    ],
  ],
  [
    'generation',
    { generation: 1 },
    { generation: 2 },
    ['metadata.generation: Invalid value: 1: must not be decremented'],
  ],
])('update: %s', (_, meta, old, expected) => {
  const base = { ...ok, resourceVersion: '1' };
  expect(validateObjectMetaUpdate({ ...base, ...meta }, { ...base, ...old }).map(fieldErrorText)).toEqual(expected);
});

test('name rules', () => {
  expect(nameIsDnsLabel('a.b', false)).toEqual(['must not contain dots']);
  expect(nameIsDns1035Label('1a', false)).toHaveLength(1);
  expect(nameIsPathSegment('system:a', false)).toEqual([]);
  expect(nameIsPathSegment('a/b%', false)).toEqual(["may not contain '/'", "may not contain '%'"]);
  expect(nameIsPathSegment('..', false)).toEqual(["may not be '..'"]);
});
