/** Security contexts of pods and containers. */
import { type FieldError, invalid, required } from '../../../../machinery/validation/field-error.ts';
import { inRange } from '../../../../machinery/validation/checks.ts';
import type { PodSecurityContext, PodSpec, SecurityContext } from '../../../generated/types/core/v1.ts';

/** Of uids and gids. */
const maxId = 2 ** 31 - 1;
const sysctlName = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;

export function validateContainerSecurity(context: SecurityContext | undefined, field: string): FieldError[] {
  if (!context) return [];
  const errors = [
    ...inRange(context.runAsUser, 0, maxId, `${field}.runAsUser`),
    ...inRange(context.runAsGroup, 0, maxId, `${field}.runAsGroup`),
    ...validateSeccomp(context.seccompProfile, `${field}.seccompProfile`),
  ];
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged)
      errors.push(invalid(field, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
    if (context.capabilities?.add?.some((c) => c === 'SYS_ADMIN' || c === 'CAP_SYS_ADMIN'))
      errors.push(
        invalid(field, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'),
      );
  }
  return errors;
}

function validateSeccomp(profile: SecurityContext['seccompProfile'], field: string): FieldError[] {
  if (!profile) return [];
  if (profile.type === 'Localhost')
    return profile.localhostProfile
      ? []
      : [required(`${field}.localhostProfile`, 'must be set when seccomp type is Localhost')];
  return profile.localhostProfile === undefined
    ? []
    : [
        invalid(
          `${field}.localhostProfile`,
          profile.localhostProfile,
          'can only be set when seccomp type is Localhost',
        ),
      ];
}

export function validatePodSecurity(
  context: PodSecurityContext | undefined,
  spec: PodSpec,
  field: string,
): FieldError[] {
  if (!context) return [];
  const errors = [
    ...inRange(context.fsGroup, 0, maxId, `${field}.fsGroup`),
    ...inRange(context.runAsUser, 0, maxId, `${field}.runAsUser`),
    ...inRange(context.runAsGroup, 0, maxId, `${field}.runAsGroup`),
    ...(context.supplementalGroups ?? []).flatMap((gid, i) =>
      inRange(gid, 0, maxId, `${field}.supplementalGroups[${i}]`),
    ),
    ...validateSeccomp(context.seccompProfile, `${field}.seccompProfile`),
  ];
  if (spec.hostPID && spec.shareProcessNamespace)
    errors.push(
      invalid(`${field}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'),
    );
  const names = new Set<string>();
  for (const [i, sysctl] of (context.sysctls ?? []).entries()) {
    const at = `${field}.sysctls[${i}].name`;
    if (!sysctl.name) errors.push(required(at));
    else if (sysctl.name.length > 253 || !sysctlName.test(sysctl.name))
      errors.push(
        invalid(
          at,
          sysctl.name,
          `must have at most 253 characters and match regex ^${sysctlName.source.slice(1, -1).replace('./]', '\\./]')}$`,
        ),
      );
    else if (names.has(sysctl.name))
      errors.push({ type: 'FieldValueDuplicate', field: at, body: `Duplicate value: "${sysctl.name}"` });
    if (spec.hostNetwork && sysctl.name?.startsWith('net.'))
      errors.push(invalid(at, sysctl.name, "may not be specified when 'hostNetwork' is true"));
    names.add(sysctl.name);
  }
  return errors;
}
