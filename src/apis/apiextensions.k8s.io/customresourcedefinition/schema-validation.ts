/** What the schema of a version may look like (apiextensions validation and schema.ValidateStructural). */
import { cloneJson, jsonEqual } from '../../../machinery/patch/json-value.ts';
import { compileRegex } from '../../../machinery/regex/regex.ts';
import { validateValue } from '../../../machinery/structural/check.ts';
import { type JsonSchema, someSchema, valuesSchema } from '../../../machinery/structural/json-schema.ts';
import { prune } from '../../../machinery/structural/prune.ts';
import { schemaAtPath, validateRules } from '../../../machinery/structural/rules.ts';
import {
  type FieldError,
  fieldErrorText,
  forbidden,
  invalid,
  notSupported,
  required,
} from '../../../machinery/validation/field-error.ts';

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const metaFields: ReadonlySet<string> = new Set(['metadata', 'kind', 'apiVersion']);
const unsupported = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const;

/** Upstream's list, by Go's names: it is told in the message. */
const allowedAtRoot =
  'Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations';
const allowedKeys: ReadonlySet<string> = new Set(
  allowedAtRoot.split(' ').map((name) => {
    if (name === 'XPreserveUnknownFields') return 'x-kubernetes-preserve-unknown-fields';
    if (name === 'XValidations') return 'x-kubernetes-validations';
    return name[0]!.toLowerCase() + name.slice(1);
  }),
);

/** `previous`: the schema as it was: what was let in then stays. */
export function validateSchema(
  schema: JsonSchema,
  hasStatus: boolean,
  field: string,
  previous: JsonSchema | undefined,
): FieldError[] {
  if (previous && jsonEqual(schema, previous)) return [];
  const errors: FieldError[] = [];
  if (hasStatus) errors.push(...checkRootFields(schema, field));
  if (schema.nullable) errors.push(forbidden(`${field}.nullable`, 'nullable cannot be true at the root'));
  const structural = [...checkStructure(schema, 'root', field)].sort((a, b) =>
    fieldErrorText(a) < fieldErrorText(b) ? -1 : 1,
  );
  errors.push(...structural);
  const defaults = structural.length === 0 ? checkDefaults(schema, field) : [];
  errors.push(...defaults);
  const own = checkOpenApi(schema, field, { root: true, insideMeta: false, noDefaults: undefined });
  errors.push(...own);
  if (structural.length === 0 && defaults.length === 0 && own.length === 0)
    errors.push(...validateRules(schema, field));
  return errors;
}

function checkRootFields(schema: JsonSchema, field: string): FieldError[] {
  for (const key of Object.keys(schema)) {
    if (key === 'type') {
      if (schema.type === 'object') continue;
      return [
        invalid(
          `${field}.type`,
          schema.type,
          'only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
        ),
      ];
    }
    if (!allowedKeys.has(key))
      return [
        invalid(
          field,
          schema,
          `only [${allowedAtRoot}] fields are allowed at the root of the schema if the status subresource is enabled`,
        ),
      ];
  }
  return [];
}

type Level = 'root' | 'item' | 'field';

const emptyTypeTexts: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

const intOrString = [{ type: 'integer' }, { type: 'string' }];

function* checkStructure(schema: JsonSchema, level: Level, field: string): Generator<FieldError> {
  const { type, items, properties = {}, additionalProperties } = schema;
  if (type === 'array' && !items) yield required(`${field}.items`, 'must be specified');
  if (items) yield* checkStructure(items, 'item', `${field}.items`);
  for (const [name, property] of Object.entries(properties))
    yield* checkStructure(property, 'field', `${field}.properties[${name}]`);
  const values = valuesSchema(schema);
  if (additionalProperties !== undefined && level === 'root')
    yield forbidden(`${field}.additionalProperties`, 'must not be used at the root');
  if (values) yield* checkStructure(values, 'field', `${field}.additionalProperties`);

  const anyType = schema['x-kubernetes-int-or-string'] === true;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  if (anyType && open)
    yield invalid(
      `${field}.x-kubernetes-preserve-unknown-fields`,
      true,
      'must be false if x-kubernetes-int-or-string is true',
    );
  if (anyType && embedded)
    yield invalid(
      `${field}.x-kubernetes-embedded-resource`,
      true,
      'must be false if x-kubernetes-int-or-string is true',
    );
  yield* checkValues(
    schema,
    field,
    jsonEqual(schema.anyOf ?? null, intOrString),
    jsonEqual(schema.allOf?.[0]?.anyOf ?? null, intOrString),
  );
  if (embedded && type !== 'object')
    yield type
      ? invalid(`${field}.type`, type, 'must be object if x-kubernetes-embedded-resource is true')
      : required(`${field}.type`, 'must be object if x-kubernetes-embedded-resource is true');
  else if (!type && !anyType && !open) yield required(`${field}.type`, emptyTypeTexts[level]);
  if (embedded && additionalProperties !== undefined)
    yield forbidden(`${field}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set');
  if (level === 'root' && type && type !== 'object') yield invalid(`${field}.type`, type, 'must be object at the root');
  if (level === 'root' || embedded) {
    for (const name of ['kind', 'apiVersion'])
      if (properties[name] && properties[name].type !== 'string')
        yield invalid(`${field}.properties[${name}].type`, properties[name].type ?? '', 'must be string');
    const metadata = properties['metadata'];
    if (metadata && metadata.type !== 'object')
      yield invalid(`${field}.properties[metadata].type`, metadata.type ?? '', 'must be object');
  }
  if (level === 'root' && properties['metadata'] && !isPlainMetadata(properties['metadata']))
    yield forbidden(
      `${field}.properties[metadata]`,
      'must not specify anything other than name and generateName, but metadata is implicitly specified',
    );
  if (embedded && !open && Object.keys(properties).length === 0)
    yield required(
      `${field}.properties`,
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
    );
}

const isPlainMetadata = ({ type: _type, description: _description, properties = {}, ...rest }: JsonSchema): boolean =>
  Object.keys(properties).every((name) => name === 'name' || name === 'generateName') &&
  Object.keys(rest).every((key) => key === 'default');

function* checkValues(
  schema: JsonSchema,
  field: string,
  skipAnyOf: boolean,
  skipFirst: boolean,
): Generator<FieldError> {
  for (const key of ['anyOf', 'allOf', 'oneOf'] as const)
    for (const [i, one] of (schema[key] ?? []).entries()) {
      if (key === 'anyOf' && skipAnyOf) continue;
      yield* checkNested(one, `${field}.${key}[${i}]`, key === 'allOf' && i === 0 && skipFirst);
    }
  if (schema.not) yield* checkNested(schema.not, `${field}.not`, false);
  if (schema.pattern)
    try {
      compileRegex(schema.pattern);
    } catch (error) {
      yield invalid(
        `${field}.pattern`,
        schema.pattern,
        `must be a valid regular expression, but isn't: ${(error as Error).message}`,
      );
    }
}

const emptyInNested: readonly (readonly [keyof JsonSchema, string])[] = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
];

function* checkNested(schema: JsonSchema, field: string, skipAnyOf: boolean): Generator<FieldError> {
  yield* checkValues(schema, field, skipAnyOf, false);
  if (schema.items) yield* checkNested(schema.items, `${field}.items`, false);
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    yield* checkNested(property, `${field}.properties[${name}]`, false);
  for (const [key, text] of emptyInNested) if (schema[key]) yield forbidden(`${field}.${key}`, text);
  if (schema.properties?.['metadata'])
    yield forbidden(`${field}.properties[metadata]`, 'must not be specified in a nested context');
}

/** Defaults are valid values of their schema, and have no fields that would be pruned. */
function checkDefaults(schema: JsonSchema, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!someSchema(schema, (one) => one.default !== undefined)) return errors;
  const visit = (one: JsonSchema, at: string): void => {
    if (one.default !== undefined && one.default !== null) {
      const copy = { value: cloneJson(one.default) };
      prune(copy, { type: 'object', properties: { value: one } });
      if (!jsonEqual(copy.value, one.default))
        errors.push(invalid(`${at}.default`, one.default, 'must not have unknown fields'));
      else
        for (const error of validateValue(one.default, one))
          errors.push({ ...error, field: error.field === '<nil>' ? `${at}.default` : `${at}.default.${error.field}` });
    }
    if (one.items) visit(one.items, `${at}.items`);
    const values = valuesSchema(one);
    if (values) visit(values, `${at}.additionalProperties`);
    for (const [name, property] of Object.entries(one.properties ?? {})) visit(property, `${at}.properties[${name}]`);
  };
  visit(schema, field);
  return errors;
}

interface Place {
  readonly root: boolean;
  readonly insideMeta: boolean;
  /** Why there may be no defaults here. */
  readonly noDefaults: string | undefined;
}

function checkOpenApi(schema: JsonSchema, field: string, place: Place): FieldError[] {
  const errors: FieldError[] = [];
  const { type, default: defaultValue } = schema;
  if (type && !types.includes(type) && type !== 'null') errors.push(notSupported(`${field}.type`, type, types));
  if (defaultValue !== undefined && place.noDefaults !== undefined)
    errors.push(forbidden(`${field}.default`, `must not be set ${place.noDefaults}`));
  for (const key of unsupported)
    if ((schema as Record<string, unknown>)[key] !== undefined)
      errors.push(forbidden(`${field}.${key}`, `${key} is not supported`));
  if (type === 'null')
    errors.push(forbidden(`${field}.type`, 'type cannot be set to null, use nullable as an alternative'));
  if (Array.isArray(schema.items))
    errors.push(forbidden(`${field}.items`, 'items must be a schema object and not an array'));
  if (place.insideMeta && schema['x-kubernetes-embedded-resource'])
    errors.push(forbidden(`${field}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'));
  if (schema.uniqueItems)
    errors.push(
      forbidden(
        `${field}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  const values = valuesSchema(schema);
  const properties = Object.entries(schema.properties ?? {});
  if (schema.additionalProperties !== undefined && properties.length > 0 && schema.additionalProperties !== true)
    errors.push(forbidden(`${field}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  const inner: Place = { ...place, root: false };
  if (values)
    errors.push(
      ...checkOpenApi(values, `${field}.additionalProperties`, {
        ...inner,
        noDefaults: place.insideMeta ? 'inside additionalProperties applying to object metadata' : place.noDefaults,
      }),
    );
  for (const [name, property] of properties) {
    const isMeta = (place.root || schema['x-kubernetes-embedded-resource'] === true) && metaFields.has(name);
    errors.push(
      ...checkOpenApi(property, `${field}.properties[${name}]`, {
        root: false,
        insideMeta: place.insideMeta || isMeta,
        noDefaults: isMeta && place.root ? `in top-level ${name}` : place.noDefaults,
      }),
    );
  }
  for (const key of ['allOf', 'oneOf', 'anyOf'] as const)
    for (const [i, one] of (schema[key] ?? []).entries())
      errors.push(...checkOpenApi(one, `${field}.${key}[${i}]`, inner));
  if (schema.not) errors.push(...checkOpenApi(schema.not, `${field}.not`, inner));
  if (schema.items && !Array.isArray(schema.items)) errors.push(...checkOpenApi(schema.items, `${field}.items`, inner));
  if (schema['x-kubernetes-preserve-unknown-fields'] === false)
    errors.push(invalid(`${field}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  errors.push(...checkListAndMapTypes(schema, field), ...checkRuleForms(schema, field));
  return errors;
}

function checkListAndMapTypes(schema: JsonSchema, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const { type, items } = schema;
  const mapType = schema['x-kubernetes-map-type'];
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const mustBe = (wanted: string, extension: string) => {
    const text = `must be ${wanted} if ${extension} is specified`;
    errors.push(type ? invalid(`${field}.type`, type, text) : required(`${field}.type`, text));
  };
  if (mapType !== undefined && type !== 'object') mustBe('object', 'x-kubernetes-map-type');
  if (mapType !== undefined && mapType !== 'atomic' && mapType !== 'granular')
    errors.push(notSupported(`${field}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']));
  if (listType !== undefined && type !== 'array') mustBe('array', 'x-kubernetes-list-type');
  else if (listType === 'set' && items) {
    const text = 'must be atomic as item of a list with x-kubernetes-list-type=set';
    if (items.type === 'array' && (items['x-kubernetes-list-type'] ?? 'atomic') !== 'atomic')
      errors.push(invalid(`${field}.items.x-kubernetes-list-type`, items['x-kubernetes-list-type'], text));
    if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic')
      errors.push(invalid(`${field}.items.x-kubernetes-map-type`, items['x-kubernetes-list-type'] ?? null, text));
  }
  if (listType !== undefined && !['atomic', 'set', 'map'].includes(listType))
    errors.push(notSupported(`${field}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']));
  if (keys.length > 0 && listType !== 'map') {
    const text = 'must be map if x-kubernetes-list-map-keys is non-empty';
    errors.push(
      listType === undefined
        ? required(`${field}.x-kubernetes-list-type`, text)
        : invalid(`${field}.x-kubernetes-list-type`, listType, text),
    );
  }
  if ((listType === 'map' || listType === 'set') && items?.nullable)
    errors.push(forbidden(`${field}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`));
  if (listType !== 'map') return errors;
  const keysField = `${field}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) errors.push(required(keysField, 'must not be empty if x-kubernetes-list-type is map'));
  if (!items) {
    errors.push(required(`${field}.items`, 'must have a schema if x-kubernetes-list-type is map'));
    return errors;
  }
  if (items.type !== 'object') {
    errors.push(
      invalid(
        `${field}.items.type`,
        items.type ?? '',
        "must be object if parent array's x-kubernetes-list-type is map",
      ),
    );
    return errors;
  }
  for (const [i, key] of keys.entries()) {
    const property = items.properties?.[key];
    const at = `${field}.items.properties[${key}]`;
    if (!property) errors.push(invalid(keysField, keys, 'entries must all be names of item properties'));
    else if (property.type === 'array' || property.type === 'object')
      errors.push(
        invalid(`${at}.type`, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"),
      );
    if (keys.indexOf(key) !== i) errors.push(invalid(keysField, keys, 'must not contain duplicate entries'));
    if (property && !items.required?.includes(key) && property.default === undefined)
      errors.push(
        required(
          `${at}.default`,
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      );
    if (property?.nullable)
      errors.push(
        forbidden(`${at}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'),
      );
  }
  return errors;
}

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const lineBreaks = /[\n\r]/;

function checkRuleForms(schema: JsonSchema, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, rule] of (schema['x-kubernetes-validations'] ?? []).entries()) {
    const at = `${field}.x-kubernetes-validations[${i}]`;
    const { message = '', messageExpression = '', reason, fieldPath = '' } = rule;
    const text = rule.rule?.trim() ?? '';
    if (text === '') errors.push(required(`${at}.rule`, 'rule is not specified'));
    else if (message !== '' && message.trim() === '')
      errors.push(invalid(`${at}.message`, message, 'must be non-empty if specified'));
    else if (lineBreaks.test(message.trim()))
      errors.push(invalid(`${at}.message`, message, 'must not contain line breaks'));
    else if (lineBreaks.test(text) && message.trim() === '')
      errors.push(required(`${at}.message`, 'message must be specified if rule contains line breaks'));
    if (messageExpression !== '' && messageExpression.trim() === '')
      errors.push(required(`${at}.messageExpression`, 'messageExpression must be non-empty if specified'));
    if (reason && !reasons.includes(reason)) errors.push(notSupported(`${at}.reason`, reason, reasons));
    if (fieldPath !== '' && fieldPath.trim() === '')
      errors.push(invalid(`${at}.fieldPath`, fieldPath, 'must be non-empty if specified'));
    if (lineBreaks.test(fieldPath)) errors.push(invalid(`${at}.fieldPath`, fieldPath, 'must not contain line breaks'));
    if (fieldPath !== '' && !schemaAtPath(schema, fieldPath.trim()))
      errors.push(invalid(`${at}.fieldPath`, fieldPath, 'must be a valid path'));
  }
  return errors;
}
