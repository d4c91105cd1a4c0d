/** Where a webhook is: validation that admission and conversion webhooks share (upstream: apiserver/pkg/util/webhook). */
import { type FieldError, invalid, required } from '../../machinery/validation/field-error.ts';
import { isDns1123Subdomain, isPortNumber } from '../../machinery/validation/formats.ts';

export interface ClientConfig {
  url?: string;
  service?: { namespace?: string; name?: string; path?: string; port?: number };
}

export function validateClientConfig(config: ClientConfig | undefined, field: string): FieldError[] {
  const { url, service } = config ?? {};
  if ((url === undefined) === (service === undefined))
    return [required(field, 'exactly one of url or service is required')];
  return url !== undefined ? validateUrl(url, `${field}.url`) : validateService(service!, `${field}.service`);
}

const form = '; desired format: https://host[/path]';

function validateUrl(text: string, field: string): FieldError[] {
  // Scheme, authority, path, query and fragment (RFC 3986, appendix B): anything else of a URL is not looked at.
  const [, scheme = '', authority = '', , query = '', fragment = ''] =
    /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text) ?? [];
  const errors: FieldError[] = [];
  const at = authority.lastIndexOf('@');
  if (scheme !== 'https') errors.push(invalid(field, scheme, `'https' is the only allowed URL scheme${form}`));
  if (authority.slice(at + 1) === '') errors.push(invalid(field, '', `host must be specified${form}`));
  if (at >= 0) errors.push(invalid(field, authority.slice(0, at), 'user information is not permitted in the URL'));
  if (fragment !== '') errors.push(invalid(field, fragment, 'fragments are not permitted in the URL'));
  if (query !== '') errors.push(invalid(field, query, 'query parameters are not permitted in the URL'));
  return errors;
}

function validateService(
  { name, namespace, path, port }: NonNullable<ClientConfig['service']>,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (!name) errors.push(required(`${field}.name`));
  if (!namespace) errors.push(required(`${field}.namespace`));
  if (port !== undefined)
    errors.push(...isPortNumber(port).map((why) => invalid(`${field}.port`, port, `port is not valid: ${why}`)));
  if (path === undefined || path === '' || path === '/') return errors;
  const at = `${field}.path`;
  if (path === '//') return [...errors, invalid(at, path, 'segment[0] may not be empty')];
  if (!path.startsWith('/')) errors.push(invalid(at, path, "must start with a '/'"));
  for (const [i, step] of path.slice(1).replace(/\/$/, '').split('/').entries()) {
    if (step === '') errors.push(invalid(at, path, `segment[${i}] may not be empty`));
    else errors.push(...isDns1123Subdomain(step).map((why) => invalid(at, path, `segment[${i}]: ${why}`)));
  }
  return errors;
}
