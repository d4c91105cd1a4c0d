/** Events of the core group (stored) and of events.k8s.io: one object, some fields under other names. */
import type { KubeObject } from '../../../machinery/meta/object.ts';
import { renamed } from './rename.ts';

const coreToEvents: readonly (readonly [string, string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
];
const forth = new Map(coreToEvents);
const back = new Map(coreToEvents.map(([core, events]) => [events, core]));

export const eventsEventOf = (core: KubeObject): KubeObject => renamed(core, forth);
export const coreEventOf = (events: KubeObject): KubeObject => renamed(events, back);
