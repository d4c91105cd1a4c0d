/** /healthz, /livez and /readyz with their single checks (apiserver/pkg/server/healthz). */
import { newPathNotFound } from '../../machinery/status/errors.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import { textResponse } from '../filters/status-response.ts';
import type { RequestContext } from '../request-context.ts';

export interface HealthCheck {
  /** As in the path: `etcd`, `poststarthook/rbac/bootstrap-roles`. */
  readonly name: string;
  /** Which of the endpoints ask it besides /healthz. */
  readonly endpoints: readonly ('livez' | 'readyz')[];
  healthy(): boolean;
}

export class Health {
  readonly #checks: readonly HealthCheck[];

  constructor(checks: readonly HealthCheck[]) {
    this.#checks = checks;
  }

  /** Names of the checks of an endpoint that fail now. */
  failing(endpoint: 'livez' | 'readyz'): string[] {
    return this.#of(endpoint)
      .filter((check) => !check.healthy())
      .map((check) => check.name);
  }

  /** Undefined for other paths. Throws a StatusError 404 for a check that does not exist. */
  answer(context: RequestContext): WireResponse | undefined {
    const match = /^\/(healthz|livez|readyz)(?:\/(.*))?$/.exec(context.info.path);
    if (match === null) return undefined;
    const [, endpoint = '', single = ''] = match;
    const checks = this.#of(endpoint);
    if (single !== '') {
      const check = checks.find((c) => c.name === single);
      if (check === undefined) throw newPathNotFound();
      return check.healthy() ? textResponse(200, 'ok') : textResponse(500, 'internal server error: reason withheld\n');
    }
    const excluded = new Set(context.query.getAll('exclude'));
    const lines: string[] = [];
    let failed = false;
    for (const { name, healthy } of checks.map((c) => ({ name: c.name, healthy: c.healthy() }))) {
      if (excluded.delete(name)) lines.push(`[+]${name} excluded: ok`);
      else if (healthy) lines.push(`[+]${name} ok`);
      else {
        lines.push(`[-]${name} failed: reason withheld`);
        failed = true;
      }
    }
    if (excluded.size > 0)
      lines.push(
        `warn: some health checks cannot be excluded: no matches for ${[...excluded].map((n) => JSON.stringify(n)).join(', ')}`,
      );
    const detail = `${lines.join('\n')}\n`;
    if (failed) return textResponse(500, `${detail}${endpoint} check failed\n`);
    return textResponse(200, context.query.has('verbose') ? `${detail}${endpoint} check passed\n` : 'ok');
  }

  #of(endpoint: string): readonly HealthCheck[] {
    return endpoint === 'healthz'
      ? this.#checks
      : this.#checks.filter((check) => check.endpoints.includes(endpoint as 'livez' | 'readyz'));
  }
}
