/** /healthz, /livez and /readyz with their single checks (apiserver/pkg/server/healthz), and what /metrics/slis says of them. */
import { MetricsRegistry } from '../../base/metrics.ts';
import { newPathNotFound } from '../../machinery/status/errors.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import { textResponse } from '../filters/status-response.ts';
import type { RequestContext } from '../request-context.ts';

export type Endpoint = 'healthz' | 'livez' | 'readyz';

export interface HealthCheck {
  /** As in the path: `etcd`, `poststarthook/rbac/bootstrap-roles`. */
  readonly name: string;
  /** Which of the endpoints ask it. */
  readonly endpoints: readonly Endpoint[];
  healthy(): boolean;
}

export class Health {
  readonly #checks: readonly HealthCheck[];
  /** Of /metrics/slis. */
  readonly slis = new MetricsRegistry();
  readonly #last = this.slis.gauge('kubernetes_healthcheck', 'The result of a single healthcheck.', ['name', 'type']);
  readonly #results = this.slis.counter('kubernetes_healthchecks_total', 'The results of all healthchecks.', [
    'name',
    'status',
    'type',
  ]);

  constructor(checks: readonly HealthCheck[]) {
    this.#checks = checks;
  }

  /** Names of the checks of an endpoint that fail now. */
  failing(endpoint: Endpoint): string[] {
    return this.#of(endpoint)
      .filter((check) => !check.healthy())
      .map((check) => check.name);
  }

  /** Every path that is answered, for the index. */
  paths(): string[] {
    return this.#checks.flatMap(({ name, endpoints }) => endpoints.map((endpoint) => `/${endpoint}/${name}`));
  }

  /** Undefined for other paths. Throws a StatusError 404 for a check that does not exist. */
  answer(context: RequestContext): WireResponse | undefined {
    const match = /^\/(healthz|livez|readyz)(?:\/(.*))?$/.exec(context.info.path);
    if (match === null) return undefined;
    const [, endpoint = '', single = ''] = match;
    const checks = this.#of(endpoint as Endpoint);
    if (single !== '') {
      const check = checks.find((c) => c.name === single);
      if (check === undefined) throw newPathNotFound();
      return check.healthy() ? textResponse(200, 'ok') : textResponse(500, 'internal server error: reason withheld\n');
    }
    const asked = new Set(context.query.getAll('exclude'));
    const unknown = new Set(asked);
    const lines: string[] = [];
    let failed = false;
    for (const check of checks) {
      const { name } = check;
      if (asked.has(name)) {
        unknown.delete(name);
        lines.push(`[+]${name} excluded: ok`);
      } else if (this.#observed(check, endpoint as Endpoint)) lines.push(`[+]${name} ok`);
      else {
        lines.push(`[-]${name} failed: reason withheld`);
        failed = true;
      }
    }
    if (unknown.size > 0)
      lines.push(
        `warn: some health checks cannot be excluded: no matches for ${[...unknown]
          .sort()
          .map((name) => JSON.stringify(name))
          .join(', ')}`,
      );
    const detail = `${lines.join('\n')}\n`;
    if (failed) return textResponse(500, `${detail}${endpoint} check failed\n`);
    return textResponse(200, context.query.has('verbose') ? `${detail}${endpoint} check passed\n` : 'ok');
  }

  #observed({ name, healthy }: HealthCheck, endpoint: Endpoint): boolean {
    const ok = healthy();
    this.#last.set(ok ? 1 : 0, [name, endpoint]);
    this.#results.inc([name, ok ? 'success' : 'error', endpoint]);
    return ok;
  }

  #of(endpoint: Endpoint): readonly HealthCheck[] {
    return this.#checks.filter((check) => check.endpoints.includes(endpoint));
  }
}
