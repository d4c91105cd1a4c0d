import type { Plugin, PluginRegistration } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';

/** Binds by the pods/binding sub-resource; the pod's UID guards against a namesake. */
export const defaultBinder: PluginRegistration = {
  name: 'DefaultBinder',
  create: (handle): Plugin => ({
    name: 'DefaultBinder',
    async bind(_state, pod, nodeName, signal) {
      try {
        await handle.bind(pod.namespace, pod.name, pod.uid, nodeName, signal);
        return undefined;
      } catch (error) {
        return Status.fromError(error);
      }
    },
  }),
};
