/** Everything that is no resource: discovery, OpenAPI, health, status pages, version, metrics, keys of tokens, the index. */
import { versionInfo } from './version.ts';
import type { TokenKeys } from './authn/token-keys.ts';
import type { Discovery } from './discovery/discovery.ts';
import { jsonResponse, textResponse } from './filters/status-response.ts';
import type { Health } from './health/health.ts';
import type { ApiServerMetrics } from './metrics/apiserver-metrics.ts';
import type { OpenApi } from './openapi/openapi.ts';
import type { ContextHandler, RequestContext } from './request-context.ts';
import type { WireResponse } from '../machinery/wire.ts';
import type { ZPages } from './zpages/zpages.ts';

export interface NonResourceParts {
  readonly discovery: Discovery;
  readonly openApi: OpenApi;
  readonly health: Health;
  readonly zpages: ZPages;
  readonly metrics: ApiServerMetrics;
  readonly tokenKeys: TokenKeys | undefined;
  readonly issuer: string;
  /** `host:port`, for the URL of the keys. */
  readonly serverAddress: () => string;
  /** `/api/v1`, `/apis/apps` ...: for the index. */
  readonly apiPaths: () => readonly string[];
}

const fixedPaths = [
  '/.well-known/openid-configuration',
  '/apis/',
  '/flagz',
  '/healthz',
  '/livez',
  '/metrics',
  '/metrics/slis',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/',
  '/openid/v1/jwks',
  '/readyz',
  '/statusz',
  '/version',
];

/** Unknown paths are answered with the index and 404, as upstream does. */
export function nonResourceHandler(parts: NonResourceParts): ContextHandler {
  return async (context) =>
    (await parts.discovery.answer(context)) ??
    (await parts.openApi.answer(context)) ??
    parts.health.answer(context) ??
    parts.zpages.answer(context) ??
    answerFixed(parts, context) ??
    jsonResponse(context.info.path === '/' ? 200 : 404, {
      paths: [...parts.apiPaths(), ...fixedPaths, ...parts.health.paths()].sort(),
    });
}

function answerFixed(parts: NonResourceParts, context: RequestContext): WireResponse | undefined {
  switch (context.info.path) {
    case '/version':
    case '/version/':
      return jsonResponse(200, versionInfo);
    case '/metrics':
      return textResponse(200, parts.metrics.registry.text(), {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      });
    case '/metrics/slis':
      return textResponse(200, parts.health.slis.text(), {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      });
    case '/.well-known/openid-configuration':
    case '/openid/v1/jwks':
      return parts.tokenKeys === undefined ? undefined : answerKeys(parts, parts.tokenKeys, context.info.path);
    default:
      return undefined;
  }
}

function answerKeys(parts: NonResourceParts, keys: TokenKeys, path: string): WireResponse {
  const cache = { 'cache-control': 'public, max-age=3600' };
  if (path === '/openid/v1/jwks')
    return jsonResponse(200, { keys: keys.jwks() }, { ...cache, 'content-type': 'application/jwk-set+json' });
  const discovery = {
    issuer: parts.issuer,
    jwks_uri: `https://${parts.serverAddress()}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: keys.algorithms,
  };
  return jsonResponse(200, discovery, cache);
}
