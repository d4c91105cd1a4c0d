/** Environment variables and where their values come from. */
import { type FieldError, invalid, notSupported, required } from '../../../../machinery/validation/field-error.ts';
import {
  isConfigMapKey,
  isDns1123Subdomain,
  isEnvVarName,
  isQualifiedName,
} from '../../../../machinery/validation/formats.ts';
import { formOf, requiredOf } from '../../../../machinery/validation/checks.ts';
import type {
  Container,
  EnvFromSource,
  EnvVar,
  ObjectFieldSelector,
  ResourceFieldSelector,
} from '../../../generated/types/core/v1.ts';

/** What the downward API can put into a variable. */
const envFieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
/** And into a file. */
export const volumeFieldPaths = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];
const resourcePaths = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];

/** What a pod can be asked for at all, in field selectors or here. */
const podFieldLabels = new Set([
  ...envFieldPaths,
  ...volumeFieldPaths,
  'spec.host',
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
]);

export function validateEnv(container: Pick<Container, 'env' | 'envFrom'>, field: string): FieldError[] {
  return [
    ...(container.env ?? []).flatMap((env, i) => validateVariable(env, `${field}.env[${i}]`)),
    ...(container.envFrom ?? []).flatMap((source, i) => validateEnvFrom(source, `${field}.envFrom`, i)),
  ];
}

function validateVariable(env: EnvVar, field: string): FieldError[] {
  const errors = requiredOf(env.name, isEnvVarName, `${field}.name`);
  const source = env.valueFrom;
  if (!source) return errors;
  const at = `${field}.valueFrom`;
  if (source.fieldRef) errors.push(...validateFieldRef(source.fieldRef, envFieldPaths, `${at}.fieldRef`));
  if (source.resourceFieldRef)
    errors.push(...validateResourceFieldRef(source.resourceFieldRef, `${at}.resourceFieldRef`, false));
  for (const part of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const reference = source[part];
    if (!reference) continue;
    if (!reference.name) errors.push(required(`${at}.${part}.name`));
    errors.push(...requiredOf(reference.key, isConfigMapKey, `${at}.${part}.key`));
  }
  const given = [
    source.fieldRef,
    source.resourceFieldRef,
    source.configMapKeyRef,
    source.secretKeyRef,
    source.fileKeyRef,
  ];
  const count = given.filter((part) => part !== undefined && part !== null).length;
  if (count === 0)
    errors.push(
      invalid(
        at,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    );
  else if (env.value) errors.push(invalid(at, '', 'may not be specified when `value` is not empty'));
  else if (count > 1) errors.push(invalid(at, '', 'may not have more than one field specified at a time'));
  return errors;
}

export function validateFieldRef(
  reference: ObjectFieldSelector,
  allowed: readonly string[],
  field: string,
): FieldError[] {
  if (!reference.apiVersion) return [required(`${field}.apiVersion`)];
  if (!reference.fieldPath) return [required(`${field}.fieldPath`)];
  const subscript = /^(metadata\.(annotations|labels))\['(.+)'\]$/.exec(reference.fieldPath);
  if (subscript) {
    const key = subscript[2] === 'annotations' ? subscript[3]!.toLowerCase() : subscript[3]!;
    return isQualifiedName(key).map((message) => invalid(field, subscript[3], message));
  }
  if (allowed.includes(reference.fieldPath)) return [];
  if (!podFieldLabels.has(reference.fieldPath))
    return [
      invalid(
        `${field}.fieldPath`,
        reference.fieldPath,
        `error converting fieldPath: field label not supported: ${reference.fieldPath}`,
      ),
    ];
  return [notSupported(`${field}.fieldPath`, reference.fieldPath, allowed)];
}

export function validateResourceFieldRef(
  reference: ResourceFieldSelector,
  field: string,
  volume: boolean,
): FieldError[] {
  if (volume && !reference.containerName) return [required(`${field}.containerName`)];
  if (!reference.resource) return [required(`${field}.resource`)];
  if (resourcePaths.includes(reference.resource) || /^(limits|requests)\.hugepages-/.test(reference.resource))
    return [];
  return [notSupported(`${field}.resource`, reference.resource, resourcePaths)];
}

/** Upstream names the item only for what is inside its parts. */
function validateEnvFrom(source: EnvFromSource, list: string, index: number): FieldError[] {
  const field = `${list}[${index}]`;
  const errors = formOf(source.prefix, isEnvVarName, `${field}.prefix`);
  let count = 0;
  for (const part of ['configMapRef', 'secretRef'] as const) {
    const reference = source[part];
    if (!reference) continue;
    count++;
    errors.push(...requiredOf(reference.name, isDns1123Subdomain, `${field}.${part}.name`));
  }
  if (count === 0) errors.push(invalid(list, '', 'must specify one of: `configMapRef` or `secretRef`'));
  else if (count > 1) errors.push(invalid(field, '', 'may not have more than one field specified at a time'));
  return errors;
}
