/** How pods are created, changed and deleted. */
import type { GracefulDelete, Strategy } from '../../kind.ts';
import type { Pod } from '../../generated/types/core/v1.ts';
import { carryOver } from '../../common/strategies.ts';
import { bumpGeneration, startGeneration } from '../../common/generation.ts';
import { podNameWarnings, podSpecWarnings } from './warnings.ts';
import { unchangedSpec } from '../../common/generation.ts';
import { qosClassOf } from './qos.ts';
import { validatePodSpec } from './validation/spec.ts';
import { validatePodResize } from './validation/resize.ts';
import { validateEphemeralContainersUpdate, validatePodUpdate } from './validation/update.ts';
import { required, type FieldError } from '../../../machinery/validation/field-error.ts';

export const podStrategy: Strategy<Pod> = {
  prepareForCreate(pod) {
    startGeneration(pod);
    pod.status = { phase: 'Pending', qosClass: qosClassOf(pod.spec ?? { containers: [] }) };
    if (pod.spec?.schedulingGates?.length)
      pod.status.conditions = [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'SchedulingGated',
          message: 'Scheduling is blocked due to non-empty scheduling gates',
        },
      ];
  },
  prepareForUpdate(pod, old) {
    carryOver(pod, old, 'status');
    bumpGeneration(pod, old);
  },
  validate,
  validateUpdate: (pod, old) => [...validate(pod), ...validatePodUpdate(pod, old)],
  warnings: (pod, old) => [
    ...(old ? [] : podNameWarnings(pod.metadata.name, 'pod')),
    ...(unchangedSpec(pod, old) ? [] : podSpecWarnings(pod.spec, 'spec')),
  ],
};

function validate(pod: Pod): FieldError[] {
  return pod.spec ? validatePodSpec(pod.spec, 'spec') : [required('spec.containers')];
}

export const podStatusStrategy: Strategy<Pod> = {
  prepareForUpdate(pod, old) {
    carryOver(pod, old, 'spec');
    const { ownerReferences, generation } = old.metadata;
    if (ownerReferences === undefined) delete pod.metadata.ownerReferences;
    else pod.metadata.ownerReferences = ownerReferences;
    if (generation !== undefined) pod.metadata.generation = generation;
    pod.status ??= {};
    // The class is the server's to say; kubelets that leave it out lose nothing.
    if (old.status?.qosClass) pod.status.qosClass = old.status.qosClass;
    mirrorPodIp(pod);
  },
};

/** `podIP` is the first of `podIPs`: who sets one sets both. */
function mirrorPodIp(pod: Pod): void {
  const status = pod.status!;
  const first = status.podIPs?.[0]?.ip;
  if (first) status.podIP = first;
  else if (status.podIP) status.podIPs = [{ ip: status.podIP }];
}

/** `ephemeralcontainers`: additions to spec.ephemeralContainers and nothing else. */
export const ephemeralContainersStrategy: Strategy<Pod> = {
  prepareForUpdate(pod, old) {
    const added = pod.spec?.ephemeralContainers;
    carryOver(pod, old, 'status');
    pod.metadata = { ...old.metadata, resourceVersion: pod.metadata.resourceVersion ?? '' };
    pod.spec = { ...old.spec!, ...(added ? { ephemeralContainers: added } : {}) };
    bumpGeneration(pod, old);
  },
  validateUpdate: (pod, old) => [...validate(pod), ...validateEphemeralContainersUpdate(pod, old)],
};

/** `resize`: the resources of containers that there are, and how they may be resized. */
export const resizeStrategy: Strategy<Pod> = {
  prepareForUpdate(pod, old) {
    const asked = pod.spec;
    carryOver(pod, old, 'status');
    const { resourceVersion, uid } = pod.metadata;
    pod.metadata = { ...old.metadata, ...(resourceVersion ? { resourceVersion } : {}), ...(uid ? { uid } : {}) };
    pod.spec = structuredClone(old.spec!);
    for (const list of ['containers', 'initContainers'] as const) {
      for (const container of pod.spec[list] ?? []) {
        const wanted = asked?.[list]?.find((c) => c.name === container.name);
        if (wanted?.resources !== undefined) container.resources = wanted.resources;
        if (wanted?.resizePolicy !== undefined) container.resizePolicy = wanted.resizePolicy;
      }
    }
    bumpGeneration(pod, old);
  },
  validateUpdate: (pod, old) => [...validate(pod), ...validatePodResize(pod, old)],
};

export const podGracefulDelete: GracefulDelete<Pod> = {
  gracePeriodSeconds(pod, asked) {
    // Nothing runs: nothing needs time to end.
    if (!pod.spec?.nodeName || pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return 0;
    const seconds = asked ?? pod.spec.terminationGracePeriodSeconds ?? 0;
    return seconds < 0 ? 1 : seconds;
  },
};
