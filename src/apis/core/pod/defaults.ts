/** Defaults of pods and of what they are made of; templates of other kinds use the same. All idempotent. */
import { Quantity } from '../../../machinery/quantity/quantity.ts';
import type {
  Container,
  EphemeralContainer,
  LifecycleHandler,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Probe,
  ResourceRequirements,
} from '../../generated/types/core/v1.ts';
import { defaultVolume } from './volume-defaults.ts';

/** A pod itself: more than a template gets. */
export function defaultPod(pod: Pod): void {
  pod.spec ??= { containers: [] };
  const { spec } = pod;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])])
    defaultRequestsFromLimits(container.resources);
  defaultRequestsFromLimits(spec.resources);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork === true)
    for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])])
      for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
  defaultPodSpec(spec);
}

/** What is limited is also requested, in the same amount, when no request says otherwise. */
function defaultRequestsFromLimits(resources: ResourceRequirements | undefined): void {
  for (const [name, limit] of Object.entries(resources?.limits ?? {})) {
    resources!.requests ??= {};
    resources!.requests[name] ??= limit;
  }
}

export function defaultPodTemplate(template: PodTemplateSpec | undefined): void {
  if (template?.spec) defaultPodSpec(template.spec);
}

export function defaultPodSpec(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= 'default-scheduler';
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

export function defaultContainer(container: Container | EphemeralContainer): void {
  container.resources ??= {};
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  container.imagePullPolicy ||= pullPolicyOf(container.image ?? '');
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const env of container.env ?? []) if (env.valueFrom?.fieldRef) env.valueFrom.fieldRef.apiVersion ||= 'v1';
  defaultProbe(container.livenessProbe);
  defaultProbe(container.readinessProbe);
  defaultProbe(container.startupProbe);
  defaultHandler(container.lifecycle?.postStart);
  defaultHandler(container.lifecycle?.preStop);
  roundResources(container.resources);
}

/** The tag decides: `latest`, given or implied, may have moved; anything else, and every digest, stands still. */
export function pullPolicyOf(image: string): 'Always' | 'IfNotPresent' {
  const at = image.indexOf('@');
  const name = at < 0 ? image : image.slice(0, at);
  const tag = /:([^/:]*)$/.exec(name)?.[1] ?? '';
  if (tag === 'latest') return 'Always';
  return tag === '' && at < 0 ? 'Always' : 'IfNotPresent';
}

function defaultProbe(probe: Probe | undefined): void {
  if (!probe) return;
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  if (probe.grpc) probe.grpc.service ??= '';
  defaultHandler(probe);
}

function defaultHandler(handler: Pick<LifecycleHandler, 'httpGet'> | undefined): void {
  if (!handler?.httpGet) return;
  handler.httpGet.path ||= '/';
  handler.httpGet.scheme ||= 'HTTP';
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
