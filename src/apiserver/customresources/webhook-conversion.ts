/**
 * Conversion between versions by a webhook. What is read is asked for ahead (`prepare`), many objects at once, and kept
 * for a while; the synchronous readers then find it. An object that was not asked for only gets the other apiVersion.
 */
import type { KubeObject } from '../../machinery/meta/object.ts';
import { cloneJson } from '../../machinery/patch/json-value.ts';
import { newInternalError } from '../../machinery/status/errors.ts';
import type { Conversion } from '../registry/resource.ts';
import type { CustomResourceSchema } from './schema.ts';

/** Asks the webhook; the answer has as many objects, in the same order. Rejects with a StatusError. */
export type ConvertObjects = (
  desiredApiVersion: string,
  objects: readonly KubeObject[],
) => Promise<readonly KubeObject[]>;

/** Converted objects that are kept; all are dropped when there are more. */
const maxKept = 50_000;

/** A state of an object: its UID and revision. */
const stateOf = ({ metadata }: KubeObject): string => `${metadata.uid}@${metadata.resourceVersion}`;

export class WebhookConversion implements Conversion {
  readonly encode: Conversion['encode'];
  readonly #apiVersion: string;
  readonly #schema: CustomResourceSchema;
  readonly #stored: { readonly apiVersion: string; readonly schema: CustomResourceSchema };
  readonly #convert: ConvertObjects;
  readonly #kept = new Map<string, KubeObject>();

  constructor(
    served: { readonly apiVersion: string; readonly schema: CustomResourceSchema },
    stored: { readonly apiVersion: string; readonly schema: CustomResourceSchema },
    convert: ConvertObjects,
  ) {
    this.#apiVersion = served.apiVersion;
    this.#schema = served.schema;
    this.#stored = stored;
    this.#convert = convert;
    this.encode = stored.schema.encode;
  }

  /** `objects`: as they are stored, whatever their versions. */
  async prepare(objects: readonly KubeObject[]): Promise<void> {
    if (this.#kept.size > maxKept) this.#kept.clear();
    const others = objects.filter(
      (object) => object.apiVersion !== this.#apiVersion && !this.#kept.has(stateOf(object)),
    );
    if (others.length === 0) return;
    const converted = await this.#ask(this.#apiVersion, others, this.#schema);
    for (const [i, object] of others.entries()) this.#kept.set(stateOf(object), converted[i]!);
  }

  fromStorage(object: KubeObject): KubeObject {
    if (object.apiVersion === this.#apiVersion) return object;
    const known = this.#kept.get(stateOf(object));
    return known ? cloneJson(known) : { ...object, apiVersion: this.#apiVersion };
  }

  toStorage(object: KubeObject): KubeObject {
    return { ...object, apiVersion: this.#stored.apiVersion };
  }

  /** What `toStorage` cannot wait for. */
  async convertForStorage(object: KubeObject): Promise<KubeObject> {
    if (object.apiVersion === this.#stored.apiVersion) return object;
    const [converted] = await this.#ask(this.#stored.apiVersion, [cloneJson(object)], this.#stored.schema);
    return converted!;
  }

  async #ask(apiVersion: string, objects: readonly KubeObject[], schema: CustomResourceSchema): Promise<KubeObject[]> {
    const answers = await this.#convert(apiVersion, objects);
    return answers.map((answer, i) => {
      const converted = schema.normalize(cloneJson(answer)).object;
      const [before, after] = [objects[i]!.metadata, converted.metadata];
      for (const field of ['uid', 'name', 'namespace'] as const)
        if ((before[field] ?? '') !== (after?.[field] ?? ''))
          throw newInternalError(
            `conversion webhook for ${objects[i]!.apiVersion}, Kind=${objects[i]!.kind} failed: metadata.${field} must not be changed`,
          );
      // Only labels and annotations are the webhook's to change.
      converted.metadata = {
        ...before,
        ...(after.labels ? { labels: after.labels } : {}),
        ...(after.annotations ? { annotations: after.annotations } : {}),
      };
      if (!after.labels) delete converted.metadata.labels;
      if (!after.annotations) delete converted.metadata.annotations;
      return converted;
    });
  }
}
