import { defineKind } from '../../common/define.ts';
import type { Event } from '../../generated/types/core/v1.ts';
import { eventColumns } from './columns.ts';
import { validateEvent } from './validation.ts';

/** How long events are kept: upstream's --event-ttl. */
export const eventTtlSeconds = 3600;

/** What most readers select events by. */
const involved =
  (part: 'kind' | 'namespace' | 'name' | 'uid' | 'apiVersion' | 'resourceVersion' | 'fieldPath') => (e: Event) =>
    e.involvedObject?.[part] ?? '';

export const event = defineKind<Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  ttlSeconds: eventTtlSeconds,
  durability: 'relaxed',
  strategy: { allowCreateOnUpdate: true, validate: validateEvent, validateUpdate: validateEvent },
  selectableFields: {
    'involvedObject.kind': involved('kind'),
    'involvedObject.namespace': involved('namespace'),
    'involvedObject.name': involved('name'),
    'involvedObject.uid': involved('uid'),
    'involvedObject.apiVersion': involved('apiVersion'),
    'involvedObject.resourceVersion': involved('resourceVersion'),
    'involvedObject.fieldPath': involved('fieldPath'),
    reason: (e) => e.reason ?? '',
    reportingComponent: (e) => e.reportingComponent ?? '',
    source: (e) => e.source?.component || e.reportingComponent || '',
    type: (e) => e.type ?? '',
  },
  columns: eventColumns,
});
