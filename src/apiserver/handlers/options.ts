/** Query parameters of requests: meta/v1 ListOptions, GetOptions, CreateOptions, UpdateOptions, PatchOptions. */
import { FieldSelector, parseFieldSelector } from '../../machinery/selectors/fields.ts';
import { LabelSelector, SelectorError } from '../../machinery/selectors/labels.ts';
import { parseLabelSelector } from '../../machinery/selectors/parse-labels.ts';
import { newBadRequest, newInvalid } from '../../machinery/status/errors.ts';
import { type FieldError, forbidden, notSupported } from '../../machinery/validation/field-error.ts';
import { validateFieldManager } from '../../machinery/validation/object-meta.ts';

export type VersionMatch = 'Exact' | 'NotOlderThan';

export interface ListQuery {
  readonly labels: LabelSelector;
  readonly fields: FieldSelector;
  /** Undefined: not given. */
  readonly resourceVersion: number | undefined;
  readonly resourceVersionMatch: VersionMatch | undefined;
  /** 0: none. */
  readonly limit: number;
  readonly continue: string;
  readonly timeoutSeconds: number | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
}

const truthy = (text: string | null) => text !== null && text !== 'false' && text !== '0';

function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^-?\d{1,15}$/.test(text))
    throw newBadRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

/** Throws StatusError 400 for what is no unsigned integer. '' is undefined. */
export function parseResourceVersion(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined || text === '') return undefined;
  if (!/^\d{1,19}$/.test(text))
    throw newBadRequest(
      `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  return Number(text);
}

function selector<T>(parse: (text: string) => T, text: string): T {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof SelectorError) throw newBadRequest(error.message);
    throw error;
  }
}

export function parseListQuery(query: URLSearchParams, watch: boolean): ListQuery {
  const labels = query.get('labelSelector');
  const fields = query.get('fieldSelector');
  const match = query.get('resourceVersionMatch') ?? '';
  const sendInitialEvents = query.get('sendInitialEvents');
  const errors = listErrors(query, watch, match);
  if (errors.length > 0) throw newInvalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);
  return {
    labels: labels ? selector(parseLabelSelector, labels) : LabelSelector.everything,
    fields: fields ? selector(parseFieldSelector, fields) : FieldSelector.everything,
    resourceVersion: parseResourceVersion(query.get('resourceVersion')),
    resourceVersionMatch: match === '' ? undefined : (match as VersionMatch),
    limit: Math.max(0, integer(query, 'limit') ?? 0),
    continue: query.get('continue') ?? '',
    timeoutSeconds: integer(query, 'timeoutSeconds'),
    allowWatchBookmarks: truthy(query.get('allowWatchBookmarks')),
    sendInitialEvents: sendInitialEvents === null ? undefined : truthy(sendInitialEvents),
  };
}

function listErrors(query: URLSearchParams, watch: boolean, match: string): FieldError[] {
  const errors: FieldError[] = [];
  const field = 'resourceVersionMatch';
  const sendInitialEvents = query.has('sendInitialEvents');
  if (watch) {
    if (sendInitialEvents && match !== 'NotOlderThan')
      errors.push(forbidden(field, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
    if (match === '') return errors;
    if (!sendInitialEvents)
      errors.push(forbidden(field, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'));
    if (match !== 'NotOlderThan') errors.push(notSupported(field, match, ['NotOlderThan']));
    if (query.get('continue'))
      errors.push(forbidden(field, 'resourceVersionMatch is forbidden when continue is provided'));
    return errors;
  }
  if (sendInitialEvents) errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  if (match === '') return errors;
  if (!query.get('resourceVersion'))
    errors.push(forbidden(field, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
  if (query.get('continue'))
    errors.push(forbidden(field, 'resourceVersionMatch is forbidden when continue is provided'));
  if (match !== 'Exact' && match !== 'NotOlderThan')
    errors.push(notSupported(field, match, ['Exact', 'NotOlderThan', '']));
  if (match === 'Exact' && query.get('resourceVersion') === '0')
    errors.push(forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  return errors;
}

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface WriteQuery {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  /** Of apply: take over fields that others own. */
  readonly force: boolean;
}

/** `kind`: the options' kind, for messages: CreateOptions, UpdateOptions, PatchOptions. */
export function parseWriteQuery(query: URLSearchParams, kind: string): WriteQuery {
  const fieldValidation = query.get('fieldValidation') || 'Warn';
  const fieldManager = query.get('fieldManager') ?? '';
  const errors: FieldError[] = [];
  const dryRun = dryRunOf(query.getAll('dryRun'), errors);
  if (fieldValidation !== 'Ignore' && fieldValidation !== 'Warn' && fieldValidation !== 'Strict')
    errors.push(notSupported('fieldValidation', fieldValidation, ['', 'Ignore', 'Strict', 'Warn']));
  errors.push(...validateFieldManager(fieldManager, 'fieldManager'));
  if (errors.length > 0) throw newInvalid({ group: 'meta.k8s.io', kind }, '', errors);
  return {
    dryRun,
    fieldManager,
    fieldValidation: fieldValidation as FieldValidation,
    force: truthy(query.get('force')),
  };
}

/** Only `All` is a dry run; anything else is an error. */
export function dryRunOf(values: readonly string[], errors: FieldError[]): boolean {
  const given = values.filter((value) => value !== '');
  if (given.some((value) => value !== 'All')) errors.push(notSupported('dryRun', given, ['All']));
  return given.includes('All');
}
