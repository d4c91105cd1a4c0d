/** Which plugins want to hear of which changes: what turns a change into another try. */
import { type ClusterChange, type EventWithHint, Action, matchesEvent } from '../framework/events.ts';
import type { Plugin } from '../framework/plugin.ts';
import type { QueuedPodInfo } from './queued-pod-info.ts';

/** `afterBackoff`: try again, but not before its back-off is over. `immediately`: what it waited for has happened. */
export type RequeueStrategy = 'skip' | 'afterBackoff' | 'immediately';

interface Registered {
  readonly plugin: string;
  readonly event: EventWithHint;
}

export class QueueingHints {
  readonly #registered: readonly Registered[];

  constructor(plugins: readonly Plugin[]) {
    this.#registered = plugins.flatMap((plugin) => {
      if (!plugin.filter && !plugin.preEnqueue && !plugin.preFilter && !plugin.reserve && !plugin.permit) return [];
      const events = plugin.eventsToRegister?.() ?? [{ resource: '*', action: Action.All } as const];
      return events.map((event) => ({ plugin: plugin.name, event }));
    });
  }

  /** The plugins that registered for this kind of change. */
  interested(change: ClusterChange): ReadonlySet<string> {
    const names = new Set<string>();
    for (const r of this.#registered) if (matchesEvent(r.event, change.event)) names.add(r.plugin);
    return names;
  }

  /** Asks those that turned the pod down. A hint that throws counts as Queue: rather a vain try than a lost pod. */
  judge(pod: QueuedPodInfo, change: ClusterChange): RequeueStrategy {
    if (pod.unschedulablePlugins.size === 0 && pod.pendingPlugins.size === 0) return 'afterBackoff';
    if (change.event.resource === '*') return 'afterBackoff';
    let strategy: RequeueStrategy = 'skip';
    for (const { plugin, event } of this.#registered) {
      const pending = pod.pendingPlugins.has(plugin);
      if (!pending && !pod.unschedulablePlugins.has(plugin)) continue;
      if (!matchesEvent(event, change.event)) continue;
      if (hintOf(event, pod, change) === 'Skip') continue;
      if (pending) return 'immediately';
      strategy = 'afterBackoff';
    }
    return strategy;
  }
}

function hintOf(event: EventWithHint, pod: QueuedPodInfo, change: ClusterChange) {
  if (event.hint === undefined) return 'Queue';
  try {
    return event.hint(pod.podInfo.pod, change);
  } catch {
    return 'Queue';
  }
}
