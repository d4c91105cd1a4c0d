/**
 * Conditional defaults of pods and of what they are made of; templates of other kinds get the same (core/defaults.ts). What
 * holds always is in the tables. All idempotent.
 */
import { Quantity } from '../../../machinery/quantity/quantity.ts';
import type {
  Container,
  EphemeralContainer,
  Pod,
  PodSpec,
  PodTemplateSpec,
  ResourceRequirements,
  Volume,
} from '../../generated/types/core/v1.ts';

/** A pod itself: more than a template gets. */
export function defaultPod(pod: Pod): void {
  pod.spec ??= { containers: [] };
  const { spec } = pod;
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  for (const container of containers) defaultRequestsFromLimits(container.resources);
  defaultRequestsFromLimits(spec.resources);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork === true)
    for (const container of containers) for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
  defaultPodSpec(spec);
}

/** What is limited is also requested, in the same amount, when no request says otherwise. */
function defaultRequestsFromLimits(resources: ResourceRequirements | undefined): void {
  for (const [name, limit] of Object.entries(resources?.limits ?? {})) {
    resources!.requests ??= {};
    resources!.requests[name] ??= limit;
  }
}

export function defaultPodTemplate(template: PodTemplateSpec): void {
  if (template.spec) defaultPodSpec(template.spec);
}

function defaultPodSpec(spec: PodSpec): void {
  mirrorServiceAccount(spec);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) defaultContainer(container);
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container);
  roundResources(spec.resources);
  if (spec.overhead) roundList(spec.overhead);
}

/** `serviceAccount` is the deprecated name of `serviceAccountName`: both are always served. */
function mirrorServiceAccount(spec: PodSpec): void {
  const name = spec.serviceAccountName || spec.serviceAccount;
  if (!name) return;
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
}

/** A volume of which nothing is said is an empty directory. */
function defaultVolume(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === 'name' || volume[key as keyof Volume] == null)) volume.emptyDir = {};
  if (volume.image) volume.image.pullPolicy ||= pullPolicyOf(volume.image.reference ?? '');
}

function defaultContainer(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ||= pullPolicyOf(container.image ?? '');
  roundResources(container.resources);
}

const nameComponent = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const reference = new RegExp(
  `^(?:[a-zA-Z0-9][a-zA-Z0-9.-]*(?::\\d+)?/)?${nameComponent}(?:/${nameComponent})*(?::[\\w][\\w.-]{0,127})?(?:@[A-Za-z0-9_+.-]+:[0-9a-fA-F]{32,})?$`,
);

/**
 * The tag decides: `latest`, given or implied, may have moved; anything else, and every digest, stands still. What is no
 * reference to an image has no tag either.
 */
export function pullPolicyOf(image: string): 'Always' | 'IfNotPresent' {
  if (!reference.test(image)) return 'IfNotPresent';
  const at = image.indexOf('@');
  const name = at < 0 ? image : image.slice(0, at);
  const tag = /:([^/:]*)$/.exec(name)?.[1] ?? '';
  if (tag === 'latest') return 'Always';
  return tag === '' && at < 0 ? 'Always' : 'IfNotPresent';
}

function roundResources(resources: ResourceRequirements | undefined): void {
  if (resources?.limits) roundList(resources.limits);
  if (resources?.requests) roundList(resources.requests);
}

/** Finer than a thousandth is rounded up. */
function roundList(list: Record<string, string>): void {
  for (const [name, text] of Object.entries(list)) {
    const quantity = Quantity.tryParse(text);
    if (quantity === undefined) continue;
    const rounded = Quantity.ofMilli(quantity.milliValue(), quantity.format);
    if (!rounded.equals(quantity)) list[name] = rounded.toString();
  }
}
