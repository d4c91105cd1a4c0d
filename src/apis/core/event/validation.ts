/** What an Event must say: in the core group's old form little, with an `eventTime` all that events.k8s.io asks for. */
import { byteLength, isDns1123Subdomain, isQualifiedName } from '../../../machinery/validation/formats.ts';
import { type FieldError, invalid, required } from '../../../machinery/validation/field-error.ts';
import type { Event } from '../../generated/types/core/v1.ts';
import type { Event as NewEvent } from '../../generated/types/events.k8s.io/v1.ts';

/** Upstream's limits, in characters (bytes, as Go counts them). */
const limits = { reportingInstance: 128, action: 128, reason: 128, message: 1024 } as const;

export function validateEvent(event: Event): FieldError[] {
  return eventErrors(event, 'reportingComponent');
}

/** events.k8s.io/v1 alone asks for what the new form has, and refuses what only the old one had. */
export function validateNewEvent(event: NewEvent): FieldError[] {
  const errors = eventErrors(asCore(event), 'reportingController');
  if (event.series) {
    if ((event.series.count ?? 0) < 2) errors.push(invalid('series.count', '', 'should be at least 2'));
    if (!event.series.lastObservedTime) errors.push(required('series.lastObservedTime'));
  }
  if (!event.eventTime) errors.push(required('eventTime'));
  if (event.type !== 'Normal' && event.type !== 'Warning')
    errors.push(invalid('type', '', `has invalid value: ${event.type ?? ''}`));
  const { deprecatedSource: source } = event;
  const old = {
    firstTimestamp: event.deprecatedFirstTimestamp,
    lastTimestamp: event.deprecatedLastTimestamp,
    count: event.deprecatedCount,
    source: source?.component || source?.host,
  };
  for (const [field, value] of Object.entries(old)) if (value) errors.push(invalid(field, '', 'needs to be unset'));
  return errors;
}

function eventErrors(event: Event, reportingField: string): FieldError[] {
  const errors: FieldError[] = [];
  const namespace = event.metadata.namespace ?? '';
  const involved = event.involvedObject?.namespace ?? '';
  const mismatch = () => errors.push(invalid('involvedObject.namespace', involved, 'does not match event.namespace'));
  if (!event.eventTime) {
    if (involved === '' ? namespace !== '' && namespace !== 'default' : namespace !== involved) mismatch();
  } else {
    if (involved === '' && namespace !== 'default' && namespace !== 'kube-system') mismatch();
    const reporter = event.reportingComponent ?? '';
    if (reporter === '') errors.push(required(reportingField));
    errors.push(...isQualifiedName(reporter).map((message) => invalid(reportingField, reporter, message)));
    for (const field of ['reportingInstance', 'action', 'reason'] as const)
      if (!event[field]) errors.push(required(field));
    for (const [field, limit] of Object.entries(limits))
      if (byteLength(event[field as keyof typeof limits] ?? '') > limit)
        errors.push(invalid(field, '', `can have at most ${limit} characters`));
  }
  return [...errors, ...isDns1123Subdomain(namespace).map((message) => invalid('namespace', namespace, message))];
}

/** The same object under the core group's names. */
export function asCore(event: NewEvent): Event {
  return {
    metadata: event.metadata,
    involvedObject: event.regarding ?? {},
    reason: event.reason,
    message: event.note,
    source: event.deprecatedSource,
    firstTimestamp: event.deprecatedFirstTimestamp,
    lastTimestamp: event.deprecatedLastTimestamp,
    count: event.deprecatedCount,
    type: event.type,
    eventTime: event.eventTime,
    series: event.series,
    action: event.action,
    reportingComponent: event.reportingController,
    reportingInstance: event.reportingInstance,
  } as Event;
}
