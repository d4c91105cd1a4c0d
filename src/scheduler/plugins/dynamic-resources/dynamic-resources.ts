import type { Plugin, PluginRegistration } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';

/**
 * Resource claims. Claims are not allocated yet; what is here is the part that every failed cycle shows: no claim can
 * be given back to make room.
 */
export const dynamicResources: PluginRegistration = {
  name: 'DynamicResources',
  create: (): Plugin => ({
    name: 'DynamicResources',
    postFilter: () => ({ status: new Status('Unschedulable', 'no new claims to deallocate') }),
    eventsToRegister: () => [],
  }),
};
