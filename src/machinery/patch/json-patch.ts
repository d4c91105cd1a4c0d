/** JSON patch (RFC 6902), as the API server applies it: all operations or none. */
import { newBadRequest, newGenericServerResponse, newRequestEntityTooLarge } from '../status/errors.ts';
import type { StatusError } from '../status/status.ts';
import { cloneJson, isMap, jsonEqual, jsonSize, setKey } from './json-value.ts';

/** Upstream's bound on operations of one patch; each is cheap, but they are applied under the write. */
export const maxJsonPatchOperations = 10_000;
/** What `copy` operations may add in all: as much as a whole request may hold, so a small patch cannot grow one. */
export const maxAccumulatedCopyBytes = 3 * 1024 * 1024;

export interface JsonPatchOperation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** A patch that cannot be applied. The server answers 422 with a text that hides the reason; `cause` keeps it. */
function doesNotApply(why: string): StatusError {
  const error = newGenericServerResponse(422, '', { group: '', resource: '' }, '', why, 0, false);
  error.cause = new Error(why);
  return error;
}

/** Checks the patch's own form. Throws StatusError: 400 when it is no list of operations, 413 when it is too long. */
export function decodeJsonPatch(patch: unknown): readonly JsonPatchOperation[] {
  const bad = (what: string) => newBadRequest(`error decoding patch: json: cannot unmarshal ${what}`);
  if (!Array.isArray(patch)) throw bad(`${jsonTypeOf(patch)} into Go value of type []handlers.jsonPatchOp`);
  for (const operation of patch) {
    if (!isMap(operation)) throw bad(`${jsonTypeOf(operation)} into Go value of type handlers.jsonPatchOp`);
    for (const field of ['op', 'path', 'from']) {
      const value = operation[field];
      if (value !== undefined && value !== null && typeof value !== 'string')
        throw bad(`${jsonTypeOf(value)} into Go struct field jsonPatchOp.${field} of type string`);
    }
  }
  if (patch.length > maxJsonPatchOperations)
    throw newRequestEntityTooLarge(
      `The allowed maximum operations in a JSON patch is ${maxJsonPatchOperations}, got ${patch.length}`,
    );
  return patch as JsonPatchOperation[];
}

const jsonTypeOf = (value: unknown): string => {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'bigint' ? 'number' : value === null ? 'null' : typeof value;
};

/** The patched document; the one given is not changed. Throws StatusError. */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  const root = { '': cloneJson(document) };
  let copied = 0;
  for (const operation of decodeJsonPatch(patch)) {
    const { op } = operation;
    if (typeof operation.path !== 'string') throw doesNotApply(`${op} operation failed to decode path: missing value`);
    switch (op) {
      case 'add':
        add(root, operation.path, cloneJson(operation.value ?? null), op);
        break;
      case 'remove':
        remove(root, operation.path, op);
        break;
      case 'replace':
        replace(root, operation.path, cloneJson(operation.value ?? null));
        break;
      case 'move': {
        const value = get(root, fromOf(operation), op);
        remove(root, fromOf(operation), op);
        add(root, operation.path, value, op);
        break;
      }
      case 'copy': {
        const value = cloneJson(get(root, fromOf(operation), op));
        copied += jsonSize(value);
        if (copied > maxAccumulatedCopyBytes)
          throw doesNotApply(
            `Unable to complete the copy, the accumulated size increase of copy is ${copied}, exceeding the limit ${maxAccumulatedCopyBytes}`,
          );
        add(root, operation.path, value, op);
        break;
      }
      case 'test':
        if (!jsonEqual(get(root, operation.path, op), operation.value ?? null))
          throw doesNotApply(`testing value ${operation.path} failed: test failed`);
        break;
      default:
        throw doesNotApply(`Unexpected kind: ${op ?? 'unknown'}`);
    }
  }
  return root[''];
}

function fromOf(operation: JsonPatchOperation): string {
  if (typeof operation.from !== 'string')
    throw doesNotApply(`${operation.op} operation failed to decode from: operation, missing from field: missing value`);
  return operation.from;
}

const decodeSegment = (segment: string) => segment.replaceAll('~1', '/').replaceAll('~0', '~');

interface Place {
  readonly container: unknown;
  readonly key: string;
}

/** The container of what the pointer names. */
function find(root: unknown, path: string, op: string): Place {
  const segments = path.split('/').map(decodeSegment);
  if (segments[0] !== '' || segments.length < 2)
    throw doesNotApply(`${op} operation does not apply: doc is missing path: "${path}": missing value`);
  let container: unknown = (root as { '': unknown })[''];
  for (const segment of segments.slice(1, -1)) {
    container = child(container, segment);
    if (typeof container !== 'object' || container === null)
      throw doesNotApply(`${op} operation does not apply: doc is missing path: "${path}": missing value`);
  }
  return { container, key: segments[segments.length - 1]! };
}

/** Undefined when there is none. */
function child(container: unknown, key: string): unknown {
  if (Array.isArray(container)) {
    const index = indexIn(container.length, key);
    return index === undefined ? undefined : container[index];
  }
  return isMap(container) && Object.hasOwn(container, key) ? container[key] : undefined;
}

/** Negative indices count from the end, as upstream has it. */
function indexIn(length: number, key: string): number | undefined {
  if (!/^-?\d+$/.test(key)) return undefined;
  const index = Number(key);
  if (index >= length || index < -length) return undefined;
  return index < 0 ? index + length : index;
}

function get(root: unknown, path: string, op: string): unknown {
  const { container, key } = find(root, path, op);
  const value = child(container, key);
  if (value === undefined) throw doesNotApply(`error in ${op} for path: '${path}': missing value`);
  return value;
}

function add(root: unknown, path: string, value: unknown, op: string): void {
  const { container, key } = find(root, path, op);
  if (Array.isArray(container)) {
    if (key === '-') {
      container.push(value);
      return;
    }
    const index = indexIn(container.length + 1, key);
    if (index === undefined)
      throw doesNotApply(
        `error in add for path: '${path}': Unable to access invalid index: ${key}: invalid index referenced`,
      );
    container.splice(index, 0, value);
  } else if (isMap(container)) setKey(container, key, value);
  else throw doesNotApply(`${op} operation does not apply: doc is missing path: "${path}": missing value`);
}

function remove(root: unknown, path: string, op: string): void {
  const { container, key } = find(root, path, op);
  if (Array.isArray(container)) {
    const index = indexIn(container.length, key);
    if (index === undefined)
      throw doesNotApply(
        `error in remove for path: '${path}': Unable to access invalid index: ${key}: invalid index referenced`,
      );
    container.splice(index, 1);
  } else if (isMap(container) && Object.hasOwn(container, key)) delete container[key];
  else
    throw doesNotApply(`error in remove for path: '${path}': unable to remove nonexistent key: ${key}: missing value`);
}

function replace(root: unknown, path: string, value: unknown): void {
  const { container, key } = find(root, path, 'replace');
  if (child(container, key) === undefined)
    throw doesNotApply(`replace operation does not apply: doc is missing key: ${path}: missing value`);
  if (Array.isArray(container)) container[indexIn(container.length, key)!] = value;
  else setKey(container as Record<string, unknown>, key, value);
}
