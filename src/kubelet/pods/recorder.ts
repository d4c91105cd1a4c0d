import type { EventRecorder } from '../../client/events.ts';
import type { Pod } from '../types.ts';

export type EventType = 'Normal' | 'Warning';

/** Events of pods and their containers. */
export interface PodRecorder {
  pod(pod: Pod, type: EventType, reason: string, message: string): void;
  /** Names the container by its path in the spec: `kubectl describe` and tests look for it. */
  container(pod: Pod, container: string, type: EventType, reason: string, message: string): void;
}

export function podRecorder(recorder: EventRecorder): PodRecorder {
  const subject = (pod: Pod) => ({ apiVersion: 'v1', kind: 'Pod', metadata: pod.metadata });
  return {
    pod: (pod, type, reason, message) => recorder.event(subject(pod), type, reason, message),
    container: (pod, container, type, reason, message) =>
      recorder.event({ ...subject(pod), fieldPath: containerPath(pod, container) }, type, reason, message),
  };
}

function containerPath(pod: Pod, name: string): string {
  if (pod.spec?.initContainers?.some((c) => c.name === name)) return `spec.initContainers{${name}}`;
  if (pod.spec?.ephemeralContainers?.some((c) => c.name === name)) return `spec.ephemeralContainers{${name}}`;
  return `spec.containers{${name}}`;
}
