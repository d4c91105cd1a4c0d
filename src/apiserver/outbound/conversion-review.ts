/** Conversion of custom resources by webhook (apiextensions.k8s.io/v1 ConversionReview). */
import { messageOf } from '../../base/errors.ts';
import { type Random, randomUuid } from '../../base/random.ts';
import { encodeValue } from '../../machinery/codec/json.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { newInternalError } from '../../machinery/status/errors.ts';
import type { StatusError } from '../../machinery/status/status.ts';
import type { WebhookClient, WebhookClientConfig } from './webhook-client.ts';

export interface ConversionRequest {
  readonly config: WebhookClientConfig;
  /** The CRD's conversionReviewVersions; the first that we know is spoken. */
  readonly reviewVersions: readonly string[];
  /** As told in errors: `stable.example.com/v2, Kind=Crontab`. */
  readonly kind: string;
  readonly desiredApiVersion: string;
  readonly objects: readonly KubeObject[];
  readonly signal?: AbortSignal;
}

/** Upstream's bound on one conversion. */
const conversionTimeoutMs = 30_000;
const knownVersions = ['v1', 'v1beta1'];

interface ConversionReview {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly response?: {
    readonly uid?: string;
    readonly convertedObjects?: readonly KubeObject[] | null;
    readonly result?: { readonly status?: string; readonly message?: string };
  } | null;
}

/** The objects as the webhook converted them, in order, each of `desiredApiVersion`. Rejects with a StatusError 500. */
export async function convert(
  { client, random }: { readonly client: WebhookClient; readonly random: Random },
  request: ConversionRequest,
): Promise<readonly KubeObject[]> {
  const { desiredApiVersion, objects } = request;
  const version = request.reviewVersions.find((v) => knownVersions.includes(v));
  const failed = (why: string): StatusError =>
    newInternalError(`conversion webhook for ${request.kind} failed: ${why}`);
  if (version === undefined) throw failed(`the CRD names no review version of ${knownVersions.join(', ')}`);
  const uid = randomUuid(random);
  const apiVersion = `apiextensions.k8s.io/${version}`;
  let review: ConversionReview | null;
  try {
    review = (await client.post({
      config: request.config,
      body: encodeValue({
        kind: 'ConversionReview',
        apiVersion,
        request: { uid, desiredAPIVersion: desiredApiVersion, objects },
      }),
      timeoutMs: conversionTimeoutMs,
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    })) as ConversionReview | null;
  } catch (error) {
    throw failed(messageOf(error));
  }
  const response = review?.response;
  if (!response) throw failed('no response provided');
  if (version === 'v1' && response.uid !== uid)
    throw failed(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`);
  if (version === 'v1' && review?.apiVersion !== apiVersion)
    throw failed(`expected webhook response of ${apiVersion}, got ${review?.apiVersion ?? ''}`);
  const { result, convertedObjects } = response;
  if (result?.status !== 'Success') throw failed(result?.message || 'no explanation was given');
  const converted = convertedObjects ?? [];
  if (converted.length !== objects.length)
    throw failed(`webhook returned ${converted.length} objects, expected ${objects.length}`);
  for (const [i, object] of converted.entries())
    if (object?.apiVersion !== desiredApiVersion)
      throw failed(
        `webhook returned object at index ${i} of version ${object?.apiVersion ?? ''}, expected ${desiredApiVersion}`,
      );
  return converted;
}
