import { defineKind } from '../../common/define.ts';
import { eventColumns } from '../../core/event/columns.ts';
import { eventTtlSeconds } from '../../core/event/kind.ts';
import type { Event as CoreEvent } from '../../generated/types/core/v1.ts';
import type { Event } from '../../generated/types/events.k8s.io/v1.ts';
import type { Column } from '../../kind.ts';

/** The same object under the core group's names, as far as its columns look. */
const asCore = (e: Event): CoreEvent =>
  ({
    metadata: e.metadata,
    involvedObject: e.regarding ?? {},
    reason: e.reason,
    message: e.note,
    source: e.deprecatedSource,
    firstTimestamp: e.deprecatedFirstTimestamp,
    lastTimestamp: e.deprecatedLastTimestamp,
    count: e.deprecatedCount,
    type: e.type,
    eventTime: e.eventTime,
    series: e.series,
    reportingComponent: e.reportingController,
    reportingInstance: e.reportingInstance,
  }) as CoreEvent;

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
  strategy: { allowCreateOnUpdate: true },
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
