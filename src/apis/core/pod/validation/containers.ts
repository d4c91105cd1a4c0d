/** Containers of a pod, of all three sorts. */
import {
  type FieldError,
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
} from '../../../../machinery/validation/field-error.ts';
import { isDns1123Label, isPortName } from '../../../../machinery/validation/formats.ts';
import { inRange, requiredOf } from '../../../../machinery/validation/checks.ts';
import type { Container, EphemeralContainer, PodSpec } from '../../../generated/types/core/v1.ts';
import { validateEnv } from './env.ts';
import { forbidProbes, validateProbes } from './probes.ts';
import { validateResources } from './resources.ts';
import { validateMounts } from './volumes.ts';
import { validateContainerSecurity } from './security.ts';

/** `volumes`: names of those that can be mounted. */
export function validateContainers(spec: PodSpec, field: string, volumes: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  const graceSeconds = spec.terminationGracePeriodSeconds ?? 0;
  const containers = spec.containers ?? [];
  if (containers.length === 0) errors.push(required(`${field}.containers`));
  const unique = (name: string | undefined, at: string) => {
    if (name && names.has(name)) errors.push(duplicate(`${at}.name`, name));
    if (name) names.add(name);
  };
  const one = (container: Container, at: string) => {
    errors.push(...validateContainer(container, at), ...validateMounts(container, volumes, at));
    unique(container.name, at);
  };
  for (const [i, container] of containers.entries()) {
    const at = `${field}.containers[${i}]`;
    one(container, at);
    errors.push(...validateProbes(container, at, graceSeconds));
  }
  for (const [i, container] of (spec.initContainers ?? []).entries()) {
    const at = `${field}.initContainers[${i}]`;
    one(container, at);
    if (container.restartPolicy === 'Always') errors.push(...validateProbes(container, at, graceSeconds));
    else errors.push(...forbidProbes(container, at));
  }
  for (const [i, container] of (spec.ephemeralContainers ?? []).entries()) {
    const at = `${field}.ephemeralContainers[${i}]`;
    one(container as Container, at);
    errors.push(...validateEphemeral(container, spec, at));
  }
  errors.push(...validateHostPorts(spec, field));
  return errors;
}

const restartPolicies = ['Always', 'Never', 'OnFailure'];

function validateContainer(container: Container, field: string): FieldError[] {
  const errors = requiredOf(container.name, isDns1123Label, `${field}.name`);
  const image = container.image ?? '';
  if (image === '') errors.push(required(`${field}.image`));
  else if (image !== image.trim())
    errors.push(invalid(`${field}.image`, image, 'must not have leading or trailing whitespace'));
  if (container.restartPolicy !== undefined && !restartPolicies.includes(container.restartPolicy))
    errors.push(notSupported(`${field}.restartPolicy`, container.restartPolicy, restartPolicies));
  if (!container.imagePullPolicy) errors.push(required(`${field}.imagePullPolicy`));
  if (!container.terminationMessagePolicy) errors.push(required(`${field}.terminationMessagePolicy`));
  return [
    ...errors,
    ...validatePorts(container, `${field}.ports`),
    ...validateEnv(container, field),
    ...validateResources(container.resources, `${field}.resources`),
    ...validateContainerSecurity(container.securityContext, `${field}.securityContext`),
  ];
}

function validatePorts(container: Container, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [i, port] of (container.ports ?? []).entries()) {
    const at = `${field}[${i}]`;
    if (port.name) {
      const messages = isPortName(port.name);
      for (const message of messages) errors.push(invalid(`${at}.name`, port.name, message));
      if (messages.length === 0 && names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
      names.add(port.name);
    }
    if (!port.containerPort) errors.push(required(`${at}.containerPort`));
    else errors.push(...inRange(port.containerPort, 1, 65_535, `${at}.containerPort`));
    if (port.hostPort) errors.push(...inRange(port.hostPort, 1, 65_535, `${at}.hostPort`));
    if (!port.protocol) errors.push(required(`${at}.protocol`));
  }
  return errors;
}

/** A host has each of its ports once; on its own network a container's port is the host's. */
function validateHostPorts(spec: PodSpec, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const list of ['containers', 'initContainers'] as const) {
    const taken = new Set<string>();
    for (const [i, container] of (spec[list] ?? []).entries())
      for (const [j, port] of (container.ports ?? []).entries()) {
        const at = `${field}.${list}[${i}].ports[${j}]`;
        // In templates it may be left out: the pods get it.
        if (!port.hostPort) continue;
        if (spec.hostNetwork && port.hostPort !== port.containerPort)
          errors.push(
            invalid(`${at}.hostPort`, port.hostPort, 'must match `containerPort` when `hostNetwork` is true'),
          );
        const key = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`;
        if (taken.has(key)) errors.push(duplicate(`${at}.hostPort`, key));
        taken.add(key);
      }
  }
  return errors;
}

function validateEphemeral(container: EphemeralContainer, spec: PodSpec, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'] as const)
    if (container[name] !== undefined)
      errors.push(forbidden(`${field}.${name}`, 'cannot be set for an Ephemeral Container'));
  if (container.resources && Object.keys(container.resources).length > 0)
    errors.push(forbidden(`${field}.resources`, 'cannot be set for an Ephemeral Container'));
  const target = container.targetContainerName;
  if (target && ![...spec.containers, ...(spec.initContainers ?? [])].some((c) => c.name === target))
    errors.push(notSupported(`${field}.targetContainerName`, target, spec.containers.map((c) => c.name).sort()));
  return errors;
}
