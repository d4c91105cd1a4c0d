/** How writes of custom resources go (apiextensions registry/customresource). */
import type { CustomResourceSubresources } from '../../apis/generated/types/apiextensions.k8s.io/v1.ts';
import type { Strategy } from '../../apis/kind.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { cloneJson, jsonEqual } from '../../machinery/patch/json-value.ts';
import { validateValue } from '../../machinery/structural/check.ts';
import { isObject, type JsonObject, type JsonSchema, memberSchema } from '../../machinery/structural/json-schema.ts';
import { validateListTypes } from '../../machinery/structural/list-types.ts';
import { type FieldError, invalid } from '../../machinery/validation/field-error.ts';
import { isQualifiedName, nameIsDnsSubdomain } from '../../machinery/validation/formats.ts';
import { validateObjectMeta } from '../../machinery/validation/object-meta.ts';
import { mayEmbed } from './schema.ts';

/** Validates the rules of a schema (x-kubernetes-validations). `old`: undefined on create. */
export type RuleValidator = (object: JsonObject, old: JsonObject | undefined) => readonly FieldError[];

export interface CustomStrategyOptions {
  readonly schema: JsonSchema | undefined;
  readonly subresources: CustomResourceSubresources | undefined;
  readonly rules: RuleValidator | undefined;
}

const content = (object: KubeObject): JsonObject => object as unknown as JsonObject;

export function customStrategy(options: CustomStrategyOptions): Strategy {
  const { schema } = options;
  const hasStatus = options.subresources?.status !== undefined;
  return {
    allowUnconditionalUpdate: false,
    prepareForCreate(object) {
      if (hasStatus) delete content(object)['status'];
      object.metadata.generation = 1;
    },
    prepareForUpdate(object, old) {
      if (hasStatus) takeStatus(object, old);
      if (contentChanged(content(object), content(old)))
        object.metadata.generation = Number(old.metadata.generation ?? 0) + 1;
    },
    validate(object) {
      const value = content(object);
      const errors = [
        ...validateValue(value, schema),
        ...checkScale(value, options.subresources),
        ...checkEmbedded(value, schema, ''),
        ...validateListTypes(value, schema),
      ];
      return [...errors, ...ruleErrors(options, errors, value, undefined)];
    },
    validateUpdate(object, old) {
      const [value, before] = [content(object), content(old)];
      const errors = [
        ...validateValue(value, schema, before),
        ...checkScale(value, options.subresources),
        ...checkEmbedded(value, schema, ''),
        ...(validateListTypes(before, schema).length === 0 ? validateListTypes(value, schema) : []),
      ];
      return [...errors, ...ruleErrors(options, errors, value, before)];
    },
    warnings: finalizerWarnings,
  };
}

/** Only the status changes, and who manages which field. */
export function customStatusStrategy(options: CustomStrategyOptions): Strategy {
  const { schema } = options;
  return {
    allowUnconditionalUpdate: false,
    prepareForUpdate(object, old) {
      const target = content(object);
      const { status } = target as { status?: unknown };
      const { managedFields } = object.metadata;
      const given = Object.hasOwn(target, 'status');
      for (const key of Object.keys(target)) if (key !== 'kind' && key !== 'apiVersion') delete target[key];
      for (const [key, value] of Object.entries(content(old)))
        if (key !== 'status' && key !== 'kind' && key !== 'apiVersion') target[key] = cloneJson(value);
      if (given) target['status'] = status;
      if (managedFields === undefined) delete object.metadata.managedFields;
      else object.metadata.managedFields = managedFields;
    },
    validateUpdate(object, old) {
      const [value, before] = [content(object), content(old)];
      const errors = [
        ...(Object.hasOwn(value, 'status')
          ? validateValue(value['status'], schema && memberSchema(schema, 'status'), before['status'], 'status')
          : []),
        ...checkScaleStatus(value, options.subresources),
        ...(validateListTypes(before, schema).length === 0 ? validateListTypes(value, schema) : []),
      ];
      return [...errors, ...ruleErrors(options, errors, value, before)];
    },
  };
}

function takeStatus(object: KubeObject, old: KubeObject): void {
  const status = content(old)['status'];
  if (Object.hasOwn(content(old), 'status')) content(object)['status'] = cloneJson(status);
  else delete content(object)['status'];
}

function contentChanged(object: JsonObject, old: JsonObject): boolean {
  const keys = new Set([...Object.keys(object), ...Object.keys(old)]);
  for (const key of keys) {
    if (key === 'metadata' || key === 'kind' || key === 'apiVersion') continue;
    if (Object.hasOwn(object, key) !== Object.hasOwn(old, key) || !jsonEqual(object[key], old[key])) return true;
  }
  return false;
}

/** Errors after which rules would only say nonsense. */
const blocking: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

function ruleErrors(
  { rules }: CustomStrategyOptions,
  errors: readonly FieldError[],
  value: JsonObject,
  old: JsonObject | undefined,
): readonly FieldError[] {
  if (!rules) return [];
  if (errors.some((error) => blocking.has(error.type)))
    return [
      {
        type: 'FieldValueInvalid',
        field: '<nil>',
        body: 'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
      },
    ];
  return rules(value, old);
}

function at(object: JsonObject, path: string): unknown {
  let value: unknown = object;
  for (const step of path.replace(/^\./, '').split('.')) {
    if (!isObject(value)) return undefined;
    value = value[step];
  }
  return value;
}

const maxInt32 = 2147483647;

function checkReplicas(object: JsonObject, path: string): FieldError[] {
  const value = at(object, path);
  if (value === undefined) return [];
  const field = path.replace(/^\./, '');
  if (typeof value !== 'number' || !Number.isInteger(value))
    return [
      invalid(
        path,
        0,
        `${path} accessor error: ${JSON.stringify(value)} is of the type ${typeof value}, expected int64`,
      ),
    ];
  if (value < 0) return [invalid(field, value, 'should be a non-negative integer')];
  return value > maxInt32 ? [invalid(field, value, `should be less than or equal to ${maxInt32}`)] : [];
}

function checkScale(object: JsonObject, subresources: CustomResourceSubresources | undefined): FieldError[] {
  const { scale } = subresources ?? {};
  return scale ? [...checkReplicas(object, scale.specReplicasPath), ...checkScaleStatus(object, subresources)] : [];
}

function checkScaleStatus(object: JsonObject, subresources: CustomResourceSubresources | undefined): FieldError[] {
  const { scale } = subresources ?? {};
  if (!scale) return [];
  const errors = checkReplicas(object, scale.statusReplicasPath);
  const path = scale.labelSelectorPath;
  const selector = path ? at(object, path) : undefined;
  if (selector !== undefined && typeof selector !== 'string')
    errors.push(
      invalid(
        path!,
        '',
        `${path} accessor error: ${JSON.stringify(selector)} is of the type ${typeof selector}, expected string`,
      ),
    );
  return errors;
}

/** Embedded resources have a type and well-formed metadata. */
function checkEmbedded(value: unknown, schema: JsonSchema | undefined, path: string): FieldError[] {
  if (!schema || !mayEmbed(schema)) return [];
  const errors: FieldError[] = [];
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) errors.push(...checkEmbedded(value[i], schema.items, `${path}[${i}]`));
  } else if (isObject(value)) {
    if (schema['x-kubernetes-embedded-resource'] && path !== '') {
      if (!value['apiVersion']) errors.push(requiredText(`${path}.apiVersion`));
      if (!value['kind']) errors.push(requiredText(`${path}.kind`));
      const metadata = isObject(value['metadata']) ? value['metadata'] : {};
      errors.push(
        ...validateObjectMeta(
          { name: 'fake', ...metadata, namespace: (metadata['namespace'] as string) || 'default' },
          { namespaced: true, nameRule: nameIsDnsSubdomain, field: `${path}.metadata` },
        ),
      );
    }
    for (const key of Object.keys(value))
      errors.push(...checkEmbedded(value[key], memberSchema(schema, key), path === '' ? key : `${path}.${key}`));
  }
  return errors;
}

const requiredText = (field: string): FieldError => ({
  type: 'FieldValueRequired',
  field,
  body: 'Required value: must not be empty',
});

const standardFinalizers: ReadonlySet<string> = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

function finalizerWarnings(object: KubeObject, old: KubeObject | undefined): string[] {
  const before = new Set(old?.metadata.finalizers);
  const added = [...new Set(object.metadata.finalizers)].filter((name) => !before.has(name)).sort();
  return added.flatMap((name) => {
    const head = `metadata.finalizers: ${JSON.stringify(name)}: `;
    const warnings = isQualifiedName(name).map((message) => head + message);
    if (name.includes('/') || standardFinalizers.has(name)) return warnings;
    const form = name.includes('.') ? 'name including a path (/)' : 'name';
    return [
      ...warnings,
      `${head}prefer a domain-qualified finalizer ${form} to avoid accidental conflicts with other finalizer writers`,
    ];
  });
}
