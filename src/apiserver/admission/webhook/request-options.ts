/** The options object of a request, as webhooks are told it (meta.k8s.io/v1 CreateOptions, UpdateOptions, DeleteOptions). */
import { parseJson } from '../../../machinery/codec/json.ts';
import type { Attributes } from '../plugin.ts';

export function requestOptions({ operation, context, dryRun }: Attributes): Record<string, unknown> | undefined {
  const kinds = {
    CREATE: 'CreateOptions',
    UPDATE: 'UpdateOptions',
    DELETE: 'DeleteOptions',
    CONNECT: undefined,
  } as const;
  const kind = kinds[operation];
  if (kind === undefined) return undefined;
  const head = { kind, apiVersion: 'meta.k8s.io/v1' };
  if (kind === 'DeleteOptions') return { ...head, ...deleteOptions(context) };
  const { query } = context;
  const fieldManager = query?.get('fieldManager');
  const fieldValidation = query?.get('fieldValidation');
  return {
    ...head,
    ...(dryRun ? { dryRun: ['All'] } : {}),
    ...(fieldManager ? { fieldManager } : {}),
    ...(fieldValidation ? { fieldValidation } : {}),
  };
}

const fields = ['gracePeriodSeconds', 'preconditions', 'orphanDependents', 'propagationPolicy', 'dryRun'] as const;

/** Of the body, or of the query. Both have been checked by the handler. */
function deleteOptions(context: Attributes['context']): Record<string, unknown> {
  const { request, query, info } = context;
  const given: Record<string, unknown> = {};
  if (request.body?.length && info?.subresource === '') {
    try {
      Object.assign(given, parseJson(request.body).value);
    } catch {
      // YAML, or another encoding: what was asked for shows in what is done.
    }
  } else if (query !== undefined) {
    const grace = query.get('gracePeriodSeconds');
    if (grace !== null) given['gracePeriodSeconds'] = Number(grace);
    const policy = query.get('propagationPolicy');
    if (policy) given['propagationPolicy'] = policy;
    const orphan = query.get('orphanDependents');
    if (orphan !== null) given['orphanDependents'] = orphan !== 'false' && orphan !== '0';
    if (query.has('dryRun')) given['dryRun'] = query.getAll('dryRun');
  }
  return Object.fromEntries(
    fields.filter((f) => given[f] !== undefined && given[f] !== null).map((f) => [f, given[f]]),
  );
}
