/**
 * A pod's spec, alone or in a template (upstream: core/validation ValidatePodSpec). Values outside enums are the table's.
 * Volumes that a controller adds to each pod (`otherVolumes`) may be mounted without being there.
 */
import { type FieldError, forbidden, invalid, required } from '../../../../machinery/validation/field-error.ts';
import { isDns1123Label, isDns1123Subdomain, isQualifiedName } from '../../../../machinery/validation/formats.ts';
import { formOf, inRange } from '../../../../machinery/validation/checks.ts';
import { validateAnnotations, validateLabels } from '../../../../machinery/validation/object-meta.ts';
import { ipFamilyOf } from '../../../../machinery/net/ip.ts';
import type { PodSpec, PodTemplateSpec } from '../../../generated/types/core/v1.ts';
import { validateContainers } from './containers.ts';
import { validateResources } from './resources.ts';
import { validateScheduling } from './scheduling.ts';
import { validatePodSecurity } from './security.ts';
import { validateVolumes } from './volumes.ts';

const maxInt32 = 2 ** 31 - 1;
const maxNameservers = 3;
const maxSearches = 32;

export function validatePodSpec(spec: PodSpec, field: string, otherVolumes: readonly string[] = []): FieldError[] {
  const volumes = validateVolumes(spec, `${field}.volumes`);
  const errors = [
    ...volumes.errors,
    ...validateContainers(spec, field, new Set([...volumes.names, ...otherVolumes])),
    ...validateScheduling(spec, field),
    ...validatePodSecurity(spec.securityContext, spec, `${field}.securityContext`),
    ...validateResources(spec.resources, `${field}.resources`),
  ];
  if (!spec.restartPolicy) errors.push(required(`${field}.restartPolicy`));
  if (!spec.dnsPolicy) errors.push(required(`${field}.dnsPolicy`));
  errors.push(
    ...formOf(spec.serviceAccountName, isDns1123Subdomain, `${field}.serviceAccountName`),
    ...formOf(spec.nodeName, isDns1123Subdomain, `${field}.nodeName`),
    ...formOf(spec.schedulerName, isQualifiedName, `${field}.schedulerName`),
    ...formOf(spec.hostname, isDns1123Label, `${field}.hostname`),
    ...formOf(spec.subdomain, isDns1123Label, `${field}.subdomain`),
    ...formOf(spec.priorityClassName, isDns1123Subdomain, `${field}.priorityClassName`),
    ...formOf(spec.runtimeClassName, isDns1123Subdomain, `${field}.runtimeClassName`),
    ...inRange(spec.activeDeadlineSeconds, 1, maxInt32, `${field}.activeDeadlineSeconds`),
    ...validateDns(spec, `${field}.dnsConfig`),
  );
  for (const [i, secret] of (spec.imagePullSecrets ?? []).entries())
    if (!secret.name) errors.push(required(`${field}.imagePullSecrets[${i}].name`));
  for (const [i, alias] of (spec.hostAliases ?? []).entries()) {
    const at = `${field}.hostAliases[${i}]`;
    if (ipFamilyOf(alias.ip ?? '') === undefined)
      errors.push(invalid(`${at}.ip`, alias.ip ?? '', 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'));
    for (const [j, name] of (alias.hostnames ?? []).entries())
      errors.push(...formOf(name, isDns1123Subdomain, `${at}.hostnames[${j}]`));
  }
  for (const [i, gate] of (spec.readinessGates ?? []).entries())
    errors.push(
      ...isQualifiedName(gate.conditionType).map((m) =>
        invalid(`${field}.readinessGates[${i}].conditionType`, gate.conditionType, m),
      ),
    );
  if (spec.hostUsers === false)
    for (const name of ['hostNetwork', 'hostIPC', 'hostPID'] as const)
      if (spec[name]) errors.push(forbidden(`${field}.${name}`, 'when `hostUsers` is false'));
  return errors;
}

function validateDns(spec: PodSpec, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const config = spec.dnsConfig;
  if (spec.dnsPolicy === 'None') {
    if (!config) errors.push(required(field, 'must provide `dnsConfig` when `dnsPolicy` is None'));
    else if (!config.nameservers?.length)
      errors.push(
        required(`${field}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'),
      );
  }
  const servers = config?.nameservers ?? [];
  if (servers.length > maxNameservers)
    errors.push(invalid(`${field}.nameservers`, servers, `must not have more than ${maxNameservers} nameservers`));
  for (const [i, server] of servers.entries())
    if (ipFamilyOf(server) === undefined)
      errors.push(
        invalid(`${field}.nameservers[${i}]`, server, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'),
      );
  const searches = config?.searches ?? [];
  if (searches.length > maxSearches)
    errors.push(invalid(`${field}.searches`, searches, `must not have more than ${maxSearches} search paths`));
  for (const [i, option] of (config?.options ?? []).entries())
    if (!option.name) errors.push(required(`${field}.options[${i}]`, 'must not be empty'));
  return errors;
}

/** Of a controller's pods. */
export function validatePodTemplate(
  template: PodTemplateSpec | undefined,
  field: string,
  otherVolumes: readonly string[] = [],
): FieldError[] {
  const spec = template?.spec;
  return [
    ...validateLabels(template?.metadata?.labels, `${field}.labels`),
    ...validateAnnotations(template?.metadata?.annotations, `${field}.annotations`),
    ...(spec ? validatePodSpec(spec, `${field}.spec`, otherVolumes) : [required(`${field}.spec.containers`)]),
    ...(spec?.ephemeralContainers?.length
      ? [forbidden(`${field}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template')]
      : []),
  ];
}
