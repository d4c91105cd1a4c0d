/** The index of OpenAPI v3 documents with those of aggregated servers, which are fetched through us. */
import type { APIService } from '../../apis/generated/types/apiregistration.k8s.io/v1.ts';
import { decodeText } from '../../machinery/codec/json.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import { contentHash, withEtag } from '../discovery/etag.ts';
import { readAnswer } from '../outbound/outbound.ts';
import type { RequestContext } from '../request-context.ts';
import { isAvailable } from './api-service.ts';
import { type AvailabilityDependencies, fetchFrom } from './availability.ts';

interface Index {
  readonly paths?: Readonly<Record<string, { readonly serverRelativeURL: string }>>;
}

/** `own`: our answer to the same request, as it would be without them. */
export async function mergedIndex(
  context: RequestContext,
  own: WireResponse,
  remotes: ReadonlyMap<string, APIService>,
  deps: AvailabilityDependencies,
): Promise<WireResponse> {
  const available = [...remotes].filter(([, service]) => isAvailable(service));
  if (own.kind !== 'bytes' || own.status !== 200 || available.length === 0) return own;
  const { paths = {} } = JSON.parse(decodeText(own.body)) as Index;
  const merged = { ...paths };
  await Promise.all(
    available.map(async ([groupVersion, service]) => {
      const document = `apis/${groupVersion}`;
      const entry = await indexOf(service, deps, context.request.signal).then((index) => index.paths?.[document]);
      if (entry !== undefined) merged[document] = entry;
    }),
  );
  const body = new TextEncoder().encode(JSON.stringify({ paths: merged }));
  return withEtag(context, await contentHash(body), body, { 'content-type': 'application/json' });
}

/** Empty for a server that has no such index, or does not answer: the others' documents are there all the same. */
async function indexOf(service: APIService, deps: AvailabilityDependencies, signal: AbortSignal): Promise<Index> {
  try {
    const { answer } = await fetchFrom(service, '/openapi/v3', deps, signal);
    return answer.status === 200 ? (JSON.parse(decodeText(await readAnswer(answer))) as Index) : {};
  } catch {
    return {};
  }
}
