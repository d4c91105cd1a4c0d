/** The place where a paged list goes on: opaque to clients, upstream's form (apiserver storage/continue.go). */
import { newBadRequest } from '../../machinery/status/errors.ts';

export interface ContinueToken {
  /** The revision of the first page; -1: whatever is current (after the first page's has been compacted). */
  readonly revision: number;
  /** Below the resource's prefix: the first key that was not sent. */
  readonly start: string;
}

const version = 'meta.k8s.io/v1';

export function encodeContinue(token: ContinueToken): string {
  const text = JSON.stringify({ v: version, rv: token.revision, start: token.start });
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Throws StatusError 400. */
export function decodeContinue(text: string): ContinueToken {
  try {
    const { v, rv, start } = JSON.parse(atob(text.replaceAll('-', '+').replaceAll('_', '/'))) as Record<
      string,
      unknown
    >;
    if (v === version && Number.isInteger(rv) && typeof start === 'string' && start !== '' && !start.includes('..'))
      return { revision: rv as number, start };
  } catch {
    // Told below: whatever is wrong with it, it is not ours.
  }
  throw newBadRequest(`continue key is not valid: ${JSON.stringify(text.slice(0, 100))} is no token of this server`);
}
