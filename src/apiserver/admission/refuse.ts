import { newForbidden } from '../../machinery/status/errors.ts';
import { failure, type StatusCause, type StatusError } from '../../machinery/status/status.ts';
import type { Attributes } from './plugin.ts';

/** A plugin's refusal: `pods "x" is forbidden: why`. An object that has no name yet goes by its generateName. */
export function refuse(attributes: Attributes, why: string, cause?: StatusCause): StatusError {
  const { metadata } = attributes.object ?? {};
  const name = attributes.name || metadata?.name || (metadata?.generateName ? `${metadata.generateName}` : '');
  const error = newForbidden({ group: attributes.group, resource: attributes.resource }, name, why);
  if (cause === undefined) return error;
  return failure(403, 'Forbidden', error.message, { ...error.status.details, causes: [cause] });
}

/** The main resource, of the core group. */
export const isCore = (attributes: Attributes, resource: string, subresource = ''): boolean =>
  attributes.group === '' && attributes.resource === resource && attributes.subresource === subresource;
