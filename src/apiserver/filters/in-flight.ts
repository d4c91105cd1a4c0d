/**
 * How many short requests are served at once (upstream: filters/maxinflight.go). More are told to come back: nothing is
 * queued. Long-running requests and system:masters are not counted.
 */
import { textResponse } from './status-response.ts';
import type { UserInfo, WireResponse } from '../../machinery/wire.ts';
import type { RequestInfo } from '../request-context.ts';
import { systemMasters } from '../authn/users.ts';

const readVerbs = new Set(['get', 'list', 'watch']);

export class InFlightLimit {
  readonly #limits: { readonly readOnly: number; readonly mutating: number };
  readonly #running = { readOnly: 0, mutating: 0 };

  constructor(limits: { readonly readOnly: number; readonly mutating: number }) {
    this.#limits = limits;
  }

  get running(): { readonly readOnly: number; readonly mutating: number } {
    return this.#running;
  }

  /** Undefined when the limit is reached; else what gives the place back (call it once). */
  enter(info: RequestInfo, user: UserInfo): (() => void) | undefined {
    const kind = readVerbs.has(info.verb) ? 'readOnly' : 'mutating';
    if (this.#running[kind] >= this.#limits[kind] && !user.groups.includes(systemMasters)) return undefined;
    this.#running[kind]++;
    return () => {
      this.#running[kind]--;
    };
  }
}

export function tooManyRequests(): WireResponse {
  return textResponse(429, 'Too many requests, please try again later.\n', { 'retry-after': '1' });
}
