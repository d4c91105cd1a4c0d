import { defineKind } from '../../common/define.ts';
import { eventColumns } from '../../core/event/columns.ts';
import { eventTtlSeconds } from '../../core/event/kind.ts';
import { asCore, validateNewEvent } from '../../core/event/validation.ts';
import type { Event } from '../../generated/types/events.k8s.io/v1.ts';
import type { Column } from '../../kind.ts';

const columns: Column<Event>[] = eventColumns.map((core) => ({
  ...core,
  cell: (e: Event, nowMs: number) => core.cell(asCore(e), nowMs),
}));

const regarding =
  (part: 'kind' | 'namespace' | 'name' | 'uid' | 'apiVersion' | 'resourceVersion' | 'fieldPath') => (e: Event) =>
    e.regarding?.[part] ?? '';

export const eventsEvent = defineKind<Event>({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  ttlSeconds: eventTtlSeconds,
  durability: 'relaxed',
  strategy: { allowCreateOnUpdate: true, validate: validateNewEvent },
  selectableFields: {
    'regarding.kind': regarding('kind'),
    'regarding.namespace': regarding('namespace'),
    'regarding.name': regarding('name'),
    'regarding.uid': regarding('uid'),
    'regarding.apiVersion': regarding('apiVersion'),
    'regarding.resourceVersion': regarding('resourceVersion'),
    'regarding.fieldPath': regarding('fieldPath'),
    reason: (e) => e.reason ?? '',
    reportingController: (e) => e.reportingController ?? '',
    type: (e) => e.type ?? '',
  },
  columns,
});
