/** Validation of CustomResourceDefinitions (apiextensions validation). */
import type { JsonSchema } from '../../../machinery/structural/json-schema.ts';
import { schemaAtPath } from '../../../machinery/structural/rules.ts';
import {
  duplicate,
  type FieldError,
  forbidden,
  invalid,
  notSupported,
  required,
  tooMany,
} from '../../../machinery/validation/field-error.ts';
import { isDns1035Label, isDns1123Subdomain } from '../../../machinery/validation/formats.ts';
import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import type {
  CustomResourceColumnDefinition,
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
} from '../../generated/types/apiextensions.k8s.io/v1.ts';
import { validateSchema } from './schema-validation.ts';

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
const maxSelectableFields = 8;

const schemaOf = (version: CustomResourceDefinitionVersion | undefined): JsonSchema | undefined =>
  version?.schema?.openAPIV3Schema as JsonSchema | undefined;

/** `old`: on update: what was let in before stays. */
export function validateDefinition(
  definition: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
): FieldError[] {
  const { spec, metadata } = definition;
  if (!spec) return [required('spec')];
  const names = spec.names ?? ({} as CustomResourceDefinitionNames);
  const versions = spec.versions ?? [];
  const errors: FieldError[] = [];
  if (!old && metadata.name !== `${names.plural ?? ''}.${spec.group ?? ''}`)
    errors.push(invalid('metadata.name', metadata.name ?? '', 'must be spec.names.plural+"."+spec.group'));
  if (!spec.group) errors.push(required('spec.group'));
  else if (isDns1123Subdomain(spec.group).length > 0)
    errors.push(invalid('spec.group', spec.group, isDns1123Subdomain(spec.group).join(',')));
  else if (!spec.group.includes('.'))
    errors.push(invalid('spec.group', spec.group, 'should be a domain with at least one dot'));
  if (!spec.scope) errors.push(required('spec.scope'));
  else if (!['Cluster', 'Namespaced'].includes(spec.scope))
    errors.push(notSupported('spec.scope', spec.scope, ['Cluster', 'Namespaced']));
  for (const [i, version] of versions.entries())
    if (!schemaOf(version)) errors.push(required(`spec.versions[${i}].schema.openAPIV3Schema`));
  for (const [i, version] of versions.entries()) {
    const problems = isDns1035Label(version.name ?? '');
    if (problems.length > 0) errors.push(invalid(`spec.versions[${i}].name`, version.name ?? '', problems.join(',')));
    const before = old?.spec?.versions?.find((one) => one.name === version.name);
    errors.push(...validateVersion(version, before, `spec.versions[${i}]`));
  }
  if (new Set(versions.map((version) => version.name)).size !== versions.length)
    errors.push(invalid('spec.versions', versions, 'must contain unique version names'));
  if (versions.filter((version) => version.storage).length !== 1)
    errors.push(invalid('spec.versions', versions, 'must have exactly one version marked as storage version'));
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const)
    if (!names[field]) errors.push(required(`spec.names.${field}`));
  errors.push(...validateNames(names, 'spec.names'), ...validateConversion(spec.conversion));
  if (spec.preserveUnknownFields === true && old?.spec?.preserveUnknownFields !== true)
    errors.push(
      invalid(
        'spec.preserveUnknownFields',
        true,
        'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ),
    );
  errors.push(...validateStoredVersions(definition), ...validateApproval(definition, old));
  return errors;
}

export function validateDefinitionUpdate(
  definition: CustomResourceDefinition,
  old: CustomResourceDefinition,
): FieldError[] {
  const errors = validateDefinition(definition, old);
  const established = old.status?.conditions?.some((one) => one.type === 'Established' && one.status === 'True');
  const { spec } = definition;
  if (established)
    errors.push(
      ...validateImmutable(spec?.scope, old.spec?.scope, 'spec.scope'),
      ...validateImmutable(spec?.names?.kind, old.spec?.names?.kind, 'spec.names.kind'),
    );
  errors.push(
    ...validateImmutable(spec?.group, old.spec?.group, 'spec.group'),
    ...validateImmutable(spec?.names?.plural, old.spec?.names?.plural, 'spec.names.plural'),
  );
  return errors;
}

function validateVersion(
  version: CustomResourceDefinitionVersion,
  before: CustomResourceDefinitionVersion | undefined,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const { deprecationWarning, subresources, selectableFields } = version;
  if (deprecationWarning !== undefined) {
    const at = `${field}.deprecationWarning`;
    if (!version.deprecated) errors.push(invalid(at, deprecationWarning, 'can only be set for deprecated versions'));
    else if (deprecationWarning.length > 256)
      errors.push(invalid(at, deprecationWarning, 'must be <= 256 characters long'));
    else if (deprecationWarning === '') errors.push(invalid(at, deprecationWarning, 'must not be an empty string'));
  }
  const schema = schemaOf(version);
  if (schema)
    errors.push(
      ...validateSchema(
        schema,
        subresources?.status !== undefined,
        `${field}.schema.openAPIV3Schema`,
        (before?.subresources?.status !== undefined) === (subresources?.status !== undefined)
          ? schemaOf(before)
          : undefined,
      ),
    );
  errors.push(...validateSubresources(subresources, `${field}.subresources`));
  for (const [i, column] of (version.additionalPrinterColumns ?? []).entries())
    errors.push(...validateColumn(column, `${field}.additionalPrinterColumns[${i}]`));
  if (selectableFields?.length)
    errors.push(...validateSelectable(selectableFields, schema, `${field}.selectableFields`));
  return errors;
}

function validateNames(names: CustomResourceDefinitionNames, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const check = (value: string | undefined, at: string, head = '') => {
    const problems = value ? isDns1035Label(head === '' ? value : value.toLowerCase()) : [];
    if (problems.length > 0) errors.push(invalid(at, value, head + problems.join(',')));
  };
  const mixed = 'may have mixed case, but should otherwise match: ';
  check(names.plural, `${field}.plural`);
  check(names.singular, `${field}.singular`);
  check(names.kind, `${field}.kind`, mixed);
  check(names.listKind, `${field}.listKind`, mixed);
  for (const [i, name] of (names.shortNames ?? []).entries()) check(name || '-', `${field}.shortNames[${i}]`);
  if (names.kind && names.kind === names.listKind)
    errors.push(invalid(`${field}.listKind`, names.listKind, 'kind and listKind may not be the same'));
  for (const [i, name] of (names.categories ?? []).entries()) check(name || '-', `${field}.categories[${i}]`);
  return errors;
}

function validateJsonPath(path: string, field: string): FieldError[] {
  return path.startsWith('.') ? [] : [invalid(field, path, 'must be a simple json path starting with .')];
}

function validateColumn(column: CustomResourceColumnDefinition, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const oneOf = (values: readonly string[]) => `must be one of ${values.join(',')}`;
  if (!column.name) errors.push(required(`${field}.name`));
  if (!column.type) errors.push(required(`${field}.type`, oneOf(columnTypes)));
  else if (!columnTypes.includes(column.type)) errors.push(invalid(`${field}.type`, column.type, oneOf(columnTypes)));
  if (column.format && !columnFormats.includes(column.format))
    errors.push(invalid(`${field}.format`, column.format, oneOf(columnFormats)));
  if (!column.jsonPath) errors.push(required(`${field}.JSONPath`));
  else errors.push(...validateJsonPath(column.jsonPath, `${field}.JSONPath`));
  return errors;
}

function validateSubresources(subresources: CustomResourceSubresources | undefined, field: string): FieldError[] {
  const scale = subresources?.scale;
  if (!scale) return [];
  const errors: FieldError[] = [];
  const below = (path: string, name: string, roots: readonly string[], text: string) => {
    const at = `${field}.scale.${name}`;
    if (!path) errors.push(required(at));
    else if (validateJsonPath(path, at).length > 0) errors.push(...validateJsonPath(path, at));
    else if (!roots.some((root) => path.startsWith(root))) errors.push(invalid(at, path, text));
  };
  below(scale.specReplicasPath, 'specReplicasPath', ['.spec.'], 'should be a json path under .spec');
  below(scale.statusReplicasPath, 'statusReplicasPath', ['.status.'], 'should be a json path under .status');
  if (scale.labelSelectorPath)
    below(
      scale.labelSelectorPath,
      'labelSelectorPath',
      ['.spec.', '.status.'],
      'should be a json path under either .spec or .status',
    );
  return errors;
}

function validateSelectable(
  selectable: readonly { readonly jsonPath: string }[],
  schema: JsonSchema | undefined,
  field: string,
): FieldError[] {
  if (!schema) return [invalid(field, '', 'may only be set when `version.schema.openAPIV3Schema` is not included')];
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, { jsonPath }] of selectable.entries()) {
    const at = `${field}[${i}].jsonPath`;
    if (!jsonPath) {
      errors.push(required(at));
      continue;
    }
    const found = /\[\d+\]/.test(jsonPath) ? undefined : schemaAtPath(schema, jsonPath);
    if (!found) {
      errors.push(invalid(at, jsonPath, 'is an invalid path: does not refer to a valid field'));
      continue;
    }
    if (jsonPath.startsWith('.metadata')) errors.push(invalid(at, jsonPath, 'must not point to fields in metadata'));
    if (!['string', 'boolean', 'integer'].includes(found.type ?? ''))
      errors.push(
        invalid(
          at,
          jsonPath,
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        ),
      );
    if (seen.has(jsonPath)) errors.push(duplicate(at, jsonPath));
    seen.add(jsonPath);
  }
  if (seen.size > maxSelectableFields) errors.push(tooMany(field, seen.size, maxSelectableFields));
  return errors;
}

function validateConversion(conversion: CustomResourceConversion | undefined): FieldError[] {
  if (!conversion) return [];
  const field = 'spec.conversion';
  const { strategy, webhook } = conversion;
  if (!strategy) return [required(`${field}.strategy`)];
  if (strategy === 'None')
    return webhook
      ? [
          ...(webhook.clientConfig
            ? [forbidden(`${field}.webhookClientConfig`, 'should not be set when strategy is not set to Webhook')]
            : []),
          ...(webhook.conversionReviewVersions?.length
            ? [forbidden(`${field}.conversionReviewVersions`, 'should not be set when strategy is not set to Webhook')]
            : []),
        ]
      : [];
  if (strategy !== 'Webhook') return [notSupported(`${field}.strategy`, strategy, ['None', 'Webhook'])];
  const errors: FieldError[] = [];
  const config = webhook?.clientConfig;
  const at = `${field}.webhookClientConfig`;
  if (!config) errors.push(required(at, 'required when strategy is set to Webhook'));
  else if ((config.url === undefined) === (config.service === undefined))
    errors.push(required(at, 'exactly one of url or service is required'));
  else if (config.service) {
    if (!config.service.name) errors.push(required(`${at}.service.name`, 'service name is required'));
    if (!config.service.namespace) errors.push(required(`${at}.service.namespace`, 'service namespace is required'));
  } else if (!/^https:\/\/[^/]+/.test(config.url!))
    errors.push(
      invalid(`${at}.url`, config.url, "'https' is the only allowed URL scheme; desired format: https://host[/path]"),
    );
  const versions = webhook?.conversionReviewVersions ?? [];
  const versionsField = `${field}.conversionReviewVersions`;
  if (versions.length === 0) errors.push(required(versionsField));
  else if (!versions.some((version) => version === 'v1' || version === 'v1beta1'))
    errors.push(invalid(versionsField, versions, 'must include at least one of v1, v1beta1'));
  for (const [i, version] of versions.entries()) {
    if (versions.indexOf(version) !== i) errors.push(invalid(`${versionsField}[${i}]`, version, 'duplicate version'));
    else for (const text of isDns1035Label(version)) errors.push(invalid(`${versionsField}[${i}]`, version, text));
  }
  return errors;
}

function validateStoredVersions({ spec, status }: CustomResourceDefinition): FieldError[] {
  const stored = status?.storedVersions ?? [];
  const field = 'status.storedVersions';
  const names = (spec.versions ?? []).map((version) => version.name);
  if (stored.length === 0) return [invalid(field, stored, 'must have at least one stored version')];
  const errors: FieldError[] = [];
  for (const version of spec.versions ?? [])
    if (version.storage && !stored.includes(version.name))
      errors.push(invalid(field, stored, `must have the storage version ${version.name}`));
  for (const [i, name] of stored.entries())
    if (!names.includes(name))
      errors.push(
        invalid(
          `${field}[${i}]`,
          name,
          `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`,
        ),
      );
  return errors;
}

const approvalAnnotation = 'api-approved.kubernetes.io';
const approvalRule = 'https://github.com/kubernetes/enhancements/pull/1111';

function validateApproval(
  definition: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
): FieldError[] {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(definition.spec.group ?? '')) return [];
  const value = definition.metadata.annotations?.[approvalAnnotation] ?? '';
  if (old && (old.metadata.annotations?.[approvalAnnotation] ?? '') === value) return [];
  const field = `metadata.annotations[${approvalAnnotation}]`;
  const head = `protected groups must have approval annotation "${approvalAnnotation}"`;
  if (value === '') return [required(field, `${head}, see ${approvalRule}`)];
  if (value.startsWith('unapproved') || /^[a-z][a-z0-9+.-]*:\/\/[^/\s]+/i.test(value)) return [];
  return [
    invalid(field, value, `${head} with either a URL or a reason starting with "unapproved", see ${approvalRule}`),
  ];
}
