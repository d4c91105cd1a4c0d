/**
 * Strategic merge patch (apimachinery util/strategicpatch): a merge patch whose lists merge by key, as the types say, and
 * that may carry directives:
 *
 *   $patch: replace | delete          in a map, or in an element of a list merged by key
 *   $retainKeys: [a, b]               of the map, only these stay
 *   $deleteFromPrimitiveList/f: [..]  these go from the list `f`
 *   $setElementOrder/f: [..]          the order of the list `f` (whole scalars, or maps with the merge key)
 */
import { failure, type StatusError } from '../status/status.ts';
import { newBadRequest, newGenericServerResponse } from '../status/errors.ts';
import { cloneJson, getKey, isMap, type JsonMap, setKey } from './json-value.ts';
import { applyElementOrder, type OrderedList } from './element-order.ts';
import type { PatchMeta, SchemaLookup } from './schema-lookup.ts';

const directiveKey = '$patch';
const retainKeysKey = '$retainKeys';
const deleteListPrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

const badPrimitiveList = () => newBadRequest('invalid patch format of primitive list');
const badRetainKeys = () => newBadRequest('invalid patch format of retainKeys');
const badElementOrder = () => newBadRequest('invalid patch format of setElementOrder list');
const noListOfLists = () => newGenericServerResponse(422, '', { group: '', resource: '' }, '', '', 0, false);
/** Errors that upstream gives no status of their own leave as 500. */
const plain = (message: string): StatusError => failure(500, undefined, message);

/**
 * The patched document; neither argument is changed or shared. `type` is the document's, undefined where nothing is known
 * of it. Throws StatusError: 400 for malformed directives, 422 or 500 as upstream for what cannot be merged.
 */
export function applyStrategicMergePatch(
  document: unknown,
  patch: unknown,
  lookup: SchemaLookup,
  type: string | undefined,
): unknown {
  if (!isMap(patch)) throw newBadRequest('json: cannot unmarshal into Go value of type map[string]interface {}');
  return new Merger(lookup).map(isMap(document) ? cloneJson(document) : {}, cloneJson(patch), type);
}

/** Owns both sides: they are changed in place. */
class Merger {
  readonly #lookup: SchemaLookup;

  constructor(lookup: SchemaLookup) {
    this.#lookup = lookup;
  }

  map(original: JsonMap, patch: JsonMap, type: string | undefined): JsonMap {
    const directive = getKey(patch, directiveKey);
    if (directive !== undefined) return replaceMap(directive, patch);
    retainKeys(original, patch);
    this.#orderedLists(original, patch, type);
    for (const key of Object.keys(patch)) this.#field(original, key, patch[key], type);
    return original;
  }

  #meta(type: string | undefined, field: string): PatchMeta {
    return (type === undefined ? undefined : this.#lookup.patchMeta(type, field)) ?? {};
  }

  #field(original: JsonMap, key: string, value: unknown, type: string | undefined): void {
    if (key.startsWith('$deleteFromPrimitiveList')) {
      if (!key.startsWith(deleteListPrefix)) throw badPrimitiveList();
      const name = key.slice(deleteListPrefix.length);
      const list = getKey(original, name);
      if (Array.isArray(list) && Array.isArray(value)) {
        const gone = new Set(value);
        setKey(
          original,
          name,
          list.filter((item) => !gone.has(item)),
        );
      }
      return;
    }
    if (value === null) {
      delete original[key];
      return;
    }
    const current = getKey(original, key);
    if (isMap(current) && isMap(value)) {
      const { strategy, childType } = this.#meta(type, key);
      setKey(original, key, strategy === 'replace' ? value : this.map(current, value, childType));
    } else if (Array.isArray(current) && Array.isArray(value)) {
      setKey(original, key, this.#list(current, value, this.#meta(type, key)));
    } else {
      const kept = withoutDirectives(value);
      if (kept === undefined) delete original[key];
      else setKey(original, key, kept);
    }
  }

  #list(original: unknown[], patch: unknown[], meta: PatchMeta): unknown[] {
    if (meta.strategy !== 'merge') return patch;
    if (original.length === 0 && patch.length === 0) return original;
    const kind = elementKind(original, patch);
    if (kind !== 'map') return applyElementOrder([...new Set([...original, ...patch])], patch, original, undefined);
    const { mergeKey } = meta;
    if (mergeKey === undefined)
      throw plain(`cannot merge lists without merge key for ${meta.childType ?? 'this list'}`);
    const { base, items } = listDirectives(original as JsonMap[], patch as JsonMap[], mergeKey);
    const merged = [...base];
    const places = new Map(merged.map((item, i) => [getKey(item, mergeKey), i] as const).reverse());
    for (const item of items) {
      const key = keyOf(item, mergeKey);
      const at = places.get(key);
      if (at === undefined) {
        places.set(key, merged.length);
        merged.push(item);
      } else merged[at] = this.map(merged[at]!, item, meta.childType);
    }
    return applyElementOrder(merged as OrderedList, items, base, mergeKey);
  }

  /** Lists that come with an order: merged here, taken out of the patch. */
  #orderedLists(original: JsonMap, patch: JsonMap, type: string | undefined): void {
    for (const key of Object.keys(patch)) {
      if (!key.startsWith('$setElementOrder')) continue;
      if (!key.startsWith(orderPrefix)) throw badElementOrder();
      const order = patch[key];
      delete patch[key];
      if (!Array.isArray(order)) throw badElementOrder();
      const name = key.slice(orderPrefix.length);
      const current = getKey(original, name);
      const change = getKey(patch, name);
      for (const side of [current, change])
        if (side !== undefined && side !== null && !Array.isArray(side))
          throw plain(
            `expected a []interface {}, but received a ${isMap(side) ? 'map[string]interface {}' : typeof side}`,
          );
      const meta = this.#meta(type, name);
      const mergeKey = meta.mergeKey;
      if (Array.isArray(change)) checkOrder(change, order, mergeKey);
      let merged: unknown[];
      if (Array.isArray(current)) merged = Array.isArray(change) ? this.#list([...current], change, meta) : current;
      else if (Array.isArray(change)) merged = withoutDirectives(change) as unknown[];
      else continue;
      if (mergeKey !== undefined) for (const item of merged) keyOf(item, mergeKey);
      const before = Array.isArray(current) ? current : [];
      setKey(original, name, applyElementOrder(merged, order, before, mergeKey));
      delete patch[name];
    }
  }
}

function replaceMap(directive: unknown, patch: JsonMap): JsonMap {
  if (directive === 'delete') return Object.create(Object.getPrototypeOf(patch));
  if (directive !== 'replace') throw plain(`unknown patch type: ${String(directive)} in map: ${JSON.stringify(patch)}`);
  delete patch[directiveKey];
  return patch;
}

function retainKeys(original: JsonMap, patch: JsonMap): void {
  const retained = getKey(patch, retainKeysKey);
  if (retained === undefined) return;
  delete patch[retainKeysKey];
  if (!Array.isArray(retained)) throw badRetainKeys();
  const names = new Set<unknown>(retained);
  for (const key of Object.keys(patch)) {
    if (patch[key] === null || key.startsWith('$deleteFromPrimitiveList') || key.startsWith('$setElementOrder'))
      continue;
    if (!names.has(key)) throw badRetainKeys();
  }
  for (const key of Object.keys(original)) if (!names.has(key)) delete original[key];
}

/** Elements with `$patch`: deletions are done, a replacement empties the base. What is left to merge is `items`. */
function listDirectives(
  original: readonly JsonMap[],
  patch: readonly JsonMap[],
  mergeKey: string,
): { base: readonly JsonMap[]; items: readonly JsonMap[] } {
  let base = original;
  let replaced = false;
  const items: JsonMap[] = [];
  for (const item of patch) {
    const directive = getKey(item, directiveKey);
    if (directive === undefined) items.push(item);
    else if (directive === 'replace') replaced = true;
    else if (directive === 'delete') {
      const key = keyOf(item, mergeKey);
      base = base.filter((candidate) => getKey(candidate, mergeKey) !== key);
    } else if (directive === 'merge') throw plain('merging lists cannot yet be specified in the patch');
    else throw plain(`unknown patch type: ${String(directive)} in map: ${JSON.stringify(item)}`);
  }
  return replaced ? { base: items, items: [] } : { base, items };
}

function keyOf(item: unknown, mergeKey: string): unknown {
  const key = isMap(item) ? getKey(item, mergeKey) : undefined;
  if (key === undefined) throw plain(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
  return key;
}

/** Items of the patch must come in the order that the directive gives, and all be named by it. */
function checkOrder(change: readonly unknown[], order: readonly unknown[], mergeKey: string | undefined): void {
  if (order.length === 0 || change.length === 0) return;
  const same = (a: unknown, b: unknown) =>
    mergeKey === undefined ? a === b : keyOf(a, mergeKey) === keyOf(b, mergeKey);
  const items = change.filter((item) => !(isMap(item) && getKey(item, directiveKey) !== undefined));
  let at = 0;
  for (const wanted of order) if (at < items.length && same(items[at], wanted)) at++;
  if (at < items.length)
    throw plain(
      `The order in patch list:\n${JSON.stringify(change)}\n doesn't match $setElementOrder list:\n${JSON.stringify(order)}\n`,
    );
}

function elementKind(...lists: readonly (readonly unknown[])[]): 'map' | 'scalar' {
  let kind: string | undefined;
  for (const list of lists)
    for (const item of list) {
      if (Array.isArray(item)) throw noListOfLists();
      const own = isMap(item) ? 'map' : typeof item === 'bigint' ? 'number' : typeof item;
      if (kind !== undefined && kind !== own)
        throw plain(`list element types are not identical: ${JSON.stringify(lists)}`);
      kind = own;
    }
  return kind === 'map' ? 'map' : 'scalar';
}

/** What is new holds neither nulls in maps nor directives. Undefined: it is itself a directive. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined);
  if (!isMap(value)) return value;
  if (getKey(value, directiveKey) !== undefined) return undefined;
  for (const key of Object.keys(value)) {
    const kept = value[key] === null ? undefined : withoutDirectives(value[key]);
    if (kept === undefined) delete value[key];
    else setKey(value, key, kept);
  }
  return value;
}
