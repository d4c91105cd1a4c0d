import { Action, type EventWithHint } from '../framework/events.ts';
import type { Plugin } from '../framework/plugin.ts';
import type { WakingEvents } from './explanation.ts';

const anything = ['any change'];

/** What each of these plugins registered for; any change, where one registered for nothing or none is named. */
export function wakingEvents(plugins: readonly Plugin[], rejectors: Iterable<string>): readonly WakingEvents[] {
  const names = [...new Set(rejectors)].sort();
  if (names.length === 0) return [{ plugin: '', events: anything }];
  return names.map((name) => {
    const registered = plugins.find((plugin) => plugin.name === name)?.eventsToRegister?.();
    return { plugin: name, events: registered === undefined ? anything : eventNames(registered) };
  });
}

function eventNames(registered: readonly EventWithHint[]): readonly string[] {
  const names = new Set<string>();
  for (const { resource, action } of registered) {
    if (resource === '*' && action === Action.All) return anything;
    const prefix = resource === '*' ? 'Any' : resource;
    if (action === Action.All) names.add(`${prefix}All`);
    else
      for (const [kind, bit] of Object.entries(Action))
        if (action & bit && bit !== Action.All) names.add(prefix + kind);
  }
  return [...names];
}
