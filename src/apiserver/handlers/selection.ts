/** What of a resource a list or watch asks for. */
import type { LabelSelector } from '../../machinery/selectors/labels.ts';
import { newBadRequest } from '../../machinery/status/errors.ts';
import { FieldSelector } from '../../machinery/selectors/fields.ts';
import type { Served } from '../registry/served.ts';
import type { CachedObject } from '../watchcache/cached-object.ts';
import type { Selection } from '../watchcache/watcher.ts';

/** `name`: of a watch on one object's path. Throws StatusError 400 for fields that cannot be selected by. */
export function selectionOf(
  served: Served,
  namespace: string,
  labels: LabelSelector,
  fields: FieldSelector,
  name = '',
): Selection {
  const { resource } = served;
  const selectable = resource.kindInfo.selectableFields;
  for (const { field } of fields.terms) {
    if (field === 'metadata.name' || (field === 'metadata.namespace' && resource.namespaced)) continue;
    if (selectable && Object.hasOwn(selectable, field)) continue;
    throw newBadRequest(
      selectable
        ? `field label not supported: ${field}`
        : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
    );
  }
  // The cache knows the fields of the stored version: those of another are looked up once an object is converted.
  const [now, later] = served.convertsLater
    ? [fields.only((field) => field.startsWith('metadata.')), fields.only((field) => !field.startsWith('metadata.'))]
    : [fields, FieldSelector.everything];
  const tests: ((object: CachedObject) => boolean)[] = [];
  if (name !== '') tests.push((object) => object.name === name);
  if (!labels.empty) tests.push((object) => labels.matches(object.labels));
  if (!now.empty) tests.push((object) => now.matches((field) => object.field(field) ?? ''));
  return {
    namespace,
    indexed: indexOf(now, namespace, name),
    matches: tests.length === 0 ? undefined : tests.length === 1 ? tests[0] : (o) => tests.every((test) => test(o)),
    ...(later.empty ? {} : { matchesConverted: convertedTest(served, later) }),
  };
}

function convertedTest(served: Served, fields: FieldSelector): (object: CachedObject) => boolean {
  const selectable = served.resource.kindInfo.selectableFields ?? {};
  return (object) => {
    const converted = served.convert(object);
    return fields.matches((field) => selectable[field]?.(converted) ?? '');
  };
}

/** The most telling equality: the name, any other field, the namespace. */
function indexOf(fields: FieldSelector, namespace: string, name: string): Selection['indexed'] {
  if (name !== '') return { field: 'metadata.name', value: name };
  const equal = fields.terms.filter((term) => term.operator === '=');
  const term = equal.find((t) => t.field === 'metadata.name') ?? equal[0];
  if (term) return { field: term.field, value: term.value };
  return namespace === '' ? undefined : { field: 'metadata.namespace', value: namespace };
}
