import type { Plugin, PluginRegistration } from '../../framework/plugin.ts';

/** Higher priority first; among equals, who waited longer. */
export const prioritySort: PluginRegistration = {
  name: 'PrioritySort',
  create: (): Plugin => ({
    name: 'PrioritySort',
    less: (a, b) =>
      a.podInfo.priority > b.podInfo.priority ||
      (a.podInfo.priority === b.podInfo.priority && a.timestampMs < b.timestampMs),
  }),
};
