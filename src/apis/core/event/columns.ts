/** What `kubectl get events` shows. Both API groups serve the same object under different field names. */
import { age } from '../../common/human-duration.ts';
import { column } from '../../common/columns.ts';
import type { Event } from '../../generated/types/core/v1.ts';
import type { Column } from '../../kind.ts';

const wide = true;

function objectText(kind: string | undefined, name: string | undefined): string {
  const lower = (kind ?? '').toLowerCase();
  return name ? `${lower}/${name}` : lower;
}

const firstSeen = (e: Event, nowMs: number) => age(e.firstTimestamp ?? e.eventTime, nowMs);

function lastSeen(e: Event, nowMs: number): string {
  const last = e.series?.lastObservedTime ?? e.lastTimestamp;
  return last ? age(last, nowMs) : firstSeen(e, nowMs);
}

function source(e: Event): string {
  const component = e.source?.component || e.reportingComponent || '';
  const host = e.source?.host || e.reportingInstance;
  return host ? `${component}, ${host}` : component;
}

export const eventColumns: readonly Column<Event>[] = [
  column<Event>('Last Seen', lastSeen, { description: 'Time since it was last seen.' }),
  column<Event>('Type', (e) => e.type ?? '', { description: 'Normal or Warning.' }),
  column<Event>('Reason', (e) => e.reason ?? '', { description: 'Why it happened, in one word.' }),
  column<Event>('Object', (e) => objectText(e.involvedObject?.kind, e.involvedObject?.name), {
    description: 'What it is about.',
  }),
  column<Event>('Subobject', (e) => e.involvedObject?.fieldPath ?? '', { wide, description: 'The part it is about.' }),
  column<Event>('Source', source, { wide, description: 'Who reported it.' }),
  column<Event>('Message', (e) => (e.message ?? '').trim(), { description: 'What happened.' }),
  column<Event>('First Seen', firstSeen, { wide, description: 'Time since it was first seen.' }),
  column<Event>('Count', (e) => e.series?.count || e.count || 1, { wide, description: 'How often it was seen.' }),
  column<Event>('Name', (e) => e.metadata.name ?? '', { format: 'name', wide, description: 'Name of the event.' }),
];
