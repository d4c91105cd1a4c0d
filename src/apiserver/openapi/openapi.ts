/**
 * /openapi/v3 and /openapi/v2. Documents are made when first asked for and their bytes are not kept: 2.8 MB that a client
 * fetches once and then knows by hash. Only the hashes stay.
 */
import { type Clock, yieldTask } from '../../base/clock.ts';
import { newNotAcceptable, newPathNotFound } from '../../machinery/status/errors.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import { contentHash, withEtag } from '../discovery/etag.ts';
import type { RequestContext } from '../request-context.ts';

/** What emits the documents. */
export interface OpenApiSource {
  /** Names of the v3 documents: `api/v1`, `apis/apps/v1`, `version`. */
  documents(): readonly string[];
  v3(document: string): unknown;
  v2(): unknown;
}

export class OpenApi {
  readonly #load: () => Promise<OpenApiSource>;
  readonly #clock: Clock;
  #source: Promise<OpenApiSource> | undefined;
  #index: Promise<ReadonlyMap<string, string>> | undefined;

  constructor(load: () => Promise<OpenApiSource>, clock: Clock) {
    this.#load = load;
    this.#clock = clock;
  }

  /** Undefined for other paths. Throws a StatusError 404 for documents that are not there. */
  answer(context: RequestContext): Promise<WireResponse> | undefined {
    const { path } = context.info;
    if (path === '/openapi/v3' || path === '/openapi/v3/') return this.#answerIndex(context);
    if (path.startsWith('/openapi/v3/')) return this.#answerDocument(context, path.slice('/openapi/v3/'.length));
    if (path === '/openapi/v2') return this.#answerV2(context);
    return undefined;
  }

  async #answerIndex(context: RequestContext): Promise<WireResponse> {
    const paths: Record<string, unknown> = {};
    for (const [document, hash] of await this.#hashes())
      paths[document] = { serverRelativeURL: `/openapi/v3/${document}?hash=${hash}` };
    const body = encode({ paths });
    return withEtag(context, await contentHash(body), body, json);
  }

  async #answerDocument(context: RequestContext, document: string): Promise<WireResponse> {
    requireJson(context);
    const hash = (await this.#hashes()).get(document);
    if (hash === undefined) throw newPathNotFound();
    const asked = context.query.get('hash');
    if (asked !== null && asked !== hash) {
      const location = `/openapi/v3/${document}?hash=${hash}`;
      return { kind: 'bytes', status: 301, headers: { location }, body: new Uint8Array() };
    }
    const forever =
      asked === null ? {} : { 'cache-control': 'public, immutable', expires: yearFrom(this.#clock.now()) };
    const body = encode((await this.#loaded()).v3(document));
    return withEtag(context, hash, body, { ...json, vary: 'Accept', ...forever });
  }

  async #answerV2(context: RequestContext): Promise<WireResponse> {
    requireJson(context);
    const body = encode((await this.#loaded()).v2());
    return withEtag(context, await contentHash(body), body, { ...json, vary: 'Accept' });
  }

  #hashes(): Promise<ReadonlyMap<string, string>> {
    this.#index ??= this.#makeHashes();
    return this.#index;
  }

  async #makeHashes(): Promise<ReadonlyMap<string, string>> {
    const source = await this.#loaded();
    const hashes = new Map<string, string>();
    for (const document of source.documents()) {
      hashes.set(document, await contentHash(encode(source.v3(document))));
      await yieldTask(this.#clock);
    }
    return hashes;
  }

  #loaded(): Promise<OpenApiSource> {
    this.#source ??= this.#load();
    return this.#source;
  }
}

const json = { 'content-type': 'application/json' } as const;

const encode = (value: unknown): Uint8Array<ArrayBuffer> => new TextEncoder().encode(JSON.stringify(value));

const yearFrom = (nowMs: number) => new Date(nowMs + 365 * 86_400_000).toUTCString();

/** Protobuf forms of the documents are not made; a client that takes only those is told so. */
function requireJson(context: RequestContext): void {
  const { accept } = context.request.headers;
  if (accept === undefined || accept === '' || /application\/json|\*\/\*|application\/\*/.test(accept)) return;
  throw newNotAcceptable(['application/json']);
}
