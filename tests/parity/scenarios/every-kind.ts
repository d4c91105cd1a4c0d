/** Every stored resource through all verbs, and with what is wrong with any object. */
import { kinds } from '../../../src/apis/index.ts';
import { builtinResources } from '../../../src/apiserver/registry/builtin.ts';
import { minimalObjects } from '../../../src/apiserver/registry/minimal-objects.suite.ts';
import type { Resource } from '../../../src/apiserver/registry/resource.ts';
import type { Scenario } from '../scenario.ts';

const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };
const partial = { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' };
const partialList = { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' };
const merge = { 'content-type': 'application/merge-patch+json' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
const json = { 'content-type': 'application/json-patch+json' };

/** Names that their kinds prescribe. */
function nameOf(resource: Resource): string {
  switch (resource.kind) {
    case 'CustomResourceDefinition':
      return 'things.example.com';
    case 'APIService':
      return 'v1.apis.example.com';
    case 'IPAddress':
      return '10.96.7.7';
    default:
      return 'an-object';
  }
}

/** The least of a kind, in the scenario's namespace where it refers to one. */
function minimalOf(resource: Resource): object {
  const object = minimalObjects[`${resource.group}/${resource.plural}`] ?? {};
  const text = JSON.stringify(object);
  if (resource.kind === 'APIService') return JSON.parse(text.replaceAll('"example.com"', '"apis.example.com"'));
  if (resource.kind === 'Event') return JSON.parse(text.replaceAll('"default"', '"{ns}"'));
  return object;
}

function collectionOf(resource: Resource): string {
  const root = resource.group === '' ? '/api' : `/apis/${resource.group}`;
  return `${root}/${resource.version}${resource.namespaced ? '/namespaces/{ns}' : ''}/${resource.plural}`;
}

function verbs(resource: Resource): Scenario {
  const path = collectionOf(resource);
  const name = nameOf(resource);
  const meta = { name, labels: { app: 'x' } };
  const typed = { apiVersion: resource.apiVersion, kind: resource.kind };
  const object = { ...typed, metadata: meta, ...minimalOf(resource) };
  const one = `${path}/${name}`;
  const selected = `${path}?labelSelector=app%3Dx`;
  return {
    name: `verbs ${resource.apiVersion} ${resource.plural}`,
    steps: [
      { method: 'POST', path: `${path}?dryRun=All`, body: object },
      { method: 'POST', path, body: object },
      { method: 'POST', path, body: object },
      { method: 'GET', path: one },
      { method: 'GET', path: one, headers: table },
      { method: 'GET', path: one, headers: partial },
      { method: 'GET', path: selected },
      { method: 'GET', path: selected, headers: table },
      { method: 'GET', path: selected, headers: partialList },
      { method: 'PATCH', path: one, body: { metadata: { labels: { tier: 'one' } } }, headers: merge },
      { method: 'PATCH', path: one, body: { metadata: { annotations: { note: 'two' } } }, headers: strategic },
      { method: 'PATCH', path: one, body: [{ op: 'test', path: '/kind', value: 'Nothing' }], headers: json },
      (answers) => ({ method: 'PUT', path: one, body: answers[3]!.text }),
      { method: 'PUT', path: one, body: { ...object, metadata: { ...meta, uid: 'other' } } },
      { method: 'GET', path: `${one}/status` },
      { method: 'DELETE', path: `${one}?dryRun=All` },
      { method: 'DELETE', path: one, body: { preconditions: { uid: 'other' } } },
      { method: 'DELETE', path: one },
      { method: 'DELETE', path: one },
    ],
  };
}

function mistakes(resource: Resource): Scenario {
  const path = collectionOf(resource);
  const typed = { apiVersion: resource.apiVersion, kind: resource.kind };
  const object = {
    ...typed,
    metadata: { name: nameOf(resource) },
    ...minimalOf(resource),
  };
  const bad = { ...object, metadata: { name: 'Not_Valid!', labels: { 'bad key!': 'bad value!' } } };
  return {
    name: `mistakes ${resource.apiVersion} ${resource.plural}`,
    steps: [
      { method: 'POST', path, body: { ...typed, metadata: { name: 'empty' } } },
      { method: 'POST', path, body: { ...object, metadata: {} } },
      { method: 'POST', path, body: bad },
      { method: 'POST', path: `${path}?fieldValidation=Strict&dryRun=All`, body: { ...object, nonsense: 1 } },
      { method: 'POST', path: `${path}?dryRun=All`, body: { ...object, nonsense: 1 } },
      { method: 'POST', path, body: { ...object, kind: 'Nothing' } },
      { method: 'POST', path, body: { ...object, metadata: 'x' } },
      { method: 'POST', path, body: '{"apiVersion": ' },
      { method: 'GET', path: `${path}?fieldSelector=spec.nothing%3Dx` },
      { method: 'GET', path: `${path}/nothing` },
    ],
  };
}

const resources = builtinResources(kinds).filter((resource) => resource.storage);

export const everyKind: readonly Scenario[] = [...resources.map(verbs), ...resources.map(mistakes)];
