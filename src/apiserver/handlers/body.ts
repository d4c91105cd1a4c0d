/** Request bodies to objects: type meta, names and namespaces checked against the path, unknown fields by fieldValidation. */
import { resources } from '../../apis/generated/resources.ts';
import { messageOf } from '../../base/errors.ts';
import { decodeText, isJsonSyntaxError, parseJson } from '../../machinery/codec/json.ts';
import { parseYaml, YamlSyntaxError } from '../../machinery/codec/yaml.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { cannotBeHandled, DecodeError, strictDecodingError, summarizeBody } from '../../machinery/schema/errors.ts';
import { newBadRequest } from '../../machinery/status/errors.ts';
import type { RequestContext } from '../request-context.ts';
import { bodyEncoding, type Encoding } from './negotiate.ts';
import type { ObjectSchema } from '../registry/resource.ts';
import type { FieldValidation } from './options.ts';

/** What a body must be. */
export interface Expected {
  readonly apiVersion: string;
  /** Older group versions of the same fields that clients may still send. */
  readonly accepts?: readonly string[];
  readonly version: string;
  readonly kind: string;
  readonly schema: Pick<ObjectSchema, 'normalize' | 'applyDefaults'>;
}

const noBody = new Uint8Array(0);

/** A parsed document, not yet of any kind. */
export interface ParsedBody {
  readonly value: unknown;
  /** Paths of keys given twice (JSON). */
  readonly duplicates: readonly string[];
  /** The same in words already (YAML). */
  readonly strictErrors: readonly string[];
}

const none: readonly string[] = [];

/** Throws StatusError 415, JsonSyntaxError, YamlSyntaxError. */
export function parseBody(context: RequestContext, findDuplicates: boolean): ParsedBody {
  const { request } = context;
  if (request.readBody) return { value: request.readBody(), duplicates: none, strictErrors: none };
  const encoding = bodyEncoding(request.headers['content-type']);
  return parseDocument(request.body ?? noBody, encoding, findDuplicates);
}

export function parseDocument(body: Uint8Array, encoding: Encoding, findDuplicates: boolean): ParsedBody {
  if (encoding === 'yaml') return { ...parseYaml(decodeText(body)), duplicates: none };
  return { ...parseJson(body, { findDuplicates }), strictErrors: none };
}

/** The body as a defaulted object of the expected kind. */
export function decodeBody(context: RequestContext, expected: Expected, validation: FieldValidation): KubeObject {
  let parsed: ParsedBody;
  try {
    parsed = parseBody(context, validation !== 'Ignore');
  } catch (error) {
    if (!isJsonSyntaxError(error) && !(error instanceof YamlSyntaxError)) throw error;
    const head = isJsonSyntaxError(error) ? "couldn't get version/kind; json parse error: " : '';
    const summary = summarizeBody(context.request.body ?? noBody);
    throw newBadRequest(
      `the object provided is unrecognized (must be of type ${expected.kind}): ${head}${error.message} (${summary})`,
    );
  }
  const object = toObject(parsed, expected, validation, context.warnings);
  expected.schema.applyDefaults(object);
  return object;
}

/** Parsed JSON to an object of the expected kind, without defaults. Throws StatusError 400. */
export function toObject(
  body: ParsedBody,
  expected: Expected,
  validation: FieldValidation,
  warnings: string[],
): KubeObject {
  const given = typeOf(body.value, expected);
  // An empty list asks for the managers to be forgotten; to the decoder it is as absent.
  const managers = (body.value as { metadata?: { managedFields?: unknown } } | null)?.metadata?.managedFields;
  const resetsManagers = Array.isArray(managers) && managers.length === 0;
  let decoded: ReturnType<ObjectSchema['normalize']>;
  try {
    decoded = expected.schema.normalize(body.value, body.duplicates);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw newBadRequest(cannotBeHandled(given, expected.kind, messageOf(error)));
  }
  const { object } = decoded;
  if (resetsManagers) (object.metadata ??= {}).managedFields = [];
  const strictErrors = [...body.strictErrors, ...decoded.strictErrors];
  object.apiVersion = expected.apiVersion;
  object.kind = expected.kind;
  object.metadata ??= {};
  if (strictErrors.length > 0) {
    if (validation === 'Strict')
      throw newBadRequest(cannotBeHandled(given, expected.kind, strictDecodingError(strictErrors)));
    // Once each: an update that is tried again decodes again.
    if (validation === 'Warn') warnings.push(...strictErrors.filter((text) => !warnings.includes(text)));
  }
  return object;
}

/** Upstream's table of kinds, as its messages name it: by the line that makes it. */
const scheme = 'pkg/runtime/scheme.go:111';

const isBuiltin = (apiVersion: string, kind: string): boolean =>
  resources.some((r) => r.kind === kind && (r.group === '' ? r.version : `${r.group}/${r.version}`) === apiVersion);

/** Checks apiVersion and kind where they are given. */
function typeOf(value: unknown, expected: Expected): { readonly kind: string; readonly version: string } {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { kind: expected.kind, version: expected.version };
  const { apiVersion, kind } = value as { apiVersion?: unknown; kind?: unknown };
  const givenVersion = typeof apiVersion === 'string' && apiVersion !== '' ? apiVersion : expected.apiVersion;
  const givenKind = typeof kind === 'string' && kind !== '' ? kind : expected.kind;
  if (givenVersion !== expected.apiVersion && !expected.accepts?.includes(givenVersion))
    throw newBadRequest(
      `the API version in the data (${givenVersion}) does not match the expected API version (${expected.apiVersion})`,
    );
  if (givenKind !== expected.kind) {
    const cause =
      isBuiltin(expected.apiVersion, expected.kind) && !isBuiltin(givenVersion, givenKind)
        ? `no kind ${JSON.stringify(givenKind)} is registered for version ${JSON.stringify(givenVersion)} in scheme ${JSON.stringify(scheme)}`
        : 'the kind in the data does not match the kind of the path';
    throw newBadRequest(cannotBeHandled({ kind: givenKind, version: expected.version }, expected.kind, cause));
  }
  return { kind: givenKind, version: expected.version };
}

/** The object's namespace must be the path's, where it says one; it is filled in. */
export function checkNamespace(object: KubeObject, namespace: string): void {
  const given = object.metadata.namespace;
  if (given && given !== namespace)
    throw newBadRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (namespace !== '') object.metadata.namespace = namespace;
}

/** On PUT and PATCH: the object's name must be the path's, where it says one; it is filled in. */
export function checkName(object: KubeObject, name: string): void {
  const given = object.metadata.name;
  if (given && given !== name)
    throw newBadRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  object.metadata.name = name;
}
