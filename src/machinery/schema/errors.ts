/** What can be wrong with a body before validation: each becomes a 400 BadRequest. */

/** A value of the wrong type, in the words of Go's decoder: `json: cannot unmarshal string into Go struct field ...`. */
export class DecodeError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DecodeError';
  }
}

/** The first bytes of a body that could not be recognised, as upstream shows them: text of an object, else hex. */
export function summarizeBody(body: Uint8Array, max = 30): string {
  if (body.length === 0) return '<empty>';
  const head = body.subarray(0, max);
  const shown =
    body[0] === 0x7b
      ? new TextDecoder().decode(head)
      : [...head].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return body.length > max ? `${shown} ...` : shown;
}

/** `Deployment in version "v1" cannot be handled as a Deployment: ...`; `cause` is the decoder's message. */
export function cannotBeHandled(
  found: { readonly kind: string; readonly version: string },
  expectedKind: string,
  cause: string,
): string {
  return `${found.kind} in version ${JSON.stringify(found.version)} cannot be handled as a ${expectedKind}: ${cause}`;
}

/** `strict decoding error: unknown field "spec.foo", duplicate field "spec.replicas"`. */
export function strictDecodingError(problems: readonly string[]): string {
  return `strict decoding error: ${problems.join(', ')}`;
}
