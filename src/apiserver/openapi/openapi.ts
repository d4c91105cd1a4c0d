/**
 * /openapi/v3 and /openapi/v2. Documents are made when they are asked for and their bytes are not kept for long: 2.8 MB
 * that a client fetches once and then knows by hash. Only the hashes stay, until custom resources come, change or go.
 */
import { type Clock, yieldTask } from '../../base/clock.ts';
import { newNotAcceptable, newPathNotFound } from '../../machinery/status/errors.ts';
import { gnosticInSlices, gnosticMediaTypes } from '../../machinery/openapi/gnostic.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import { contentHash, withEtag } from '../discovery/etag.ts';
import type { RequestContext } from '../request-context.ts';

/** What emits the documents. */
export interface OpenApiSource {
  /** Names of the v3 documents: `api/v1`, `apis/apps/v1`, `version`. */
  documents(): readonly string[];
  v3(document: string): unknown;
  v2(): unknown;
  /** Equal texts: equal documents (`v2` is that of v2). Undefined: the document never changes. */
  fingerprint(document: string): string | undefined;
}

interface Hash {
  readonly fingerprint: string | undefined;
  readonly hash: string;
}

export class OpenApi {
  readonly #load: () => Promise<OpenApiSource>;
  readonly #clock: Clock;
  #source: Promise<OpenApiSource> | undefined;
  readonly #known = new Map<string, Hash>();
  readonly #v2: Partial<Record<'json' | 'protobuf', { readonly hash: string; readonly bytes: WeakRef<Uint8Array> }>> =
    {};

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
    const source = await this.#loaded();
    if (!source.documents().includes(document)) throw newPathNotFound();
    const hash = await this.#hash(source, document, () => source.v3(document));
    const asked = context.query.get('hash');
    if (asked !== null && asked !== hash) {
      const location = `/openapi/v3/${document}?hash=${hash}`;
      return { kind: 'bytes', status: 301, headers: { location }, body: new Uint8Array() };
    }
    const forever =
      asked === null ? {} : { 'cache-control': 'public, immutable', expires: yearFrom(this.#clock.now()) };
    const body = encode(source.v3(document));
    return withEtag(context, hash, body, { ...json, vary: 'Accept', ...forever });
  }

  async #answerV2(context: RequestContext): Promise<WireResponse> {
    const inProtobuf = prefersGnostic(context);
    if (!inProtobuf) requireJson(context);
    const source = await this.#loaded();
    const hash = await this.#hash(source, 'v2', () => source.v2());
    const kept = this.#v2[inProtobuf ? 'protobuf' : 'json'];
    let body = kept?.hash === hash ? kept.bytes.deref() : undefined;
    if (!body) {
      const yields = () => yieldTask(this.#clock);
      await yields();
      const document = source.v2();
      await yields();
      body = inProtobuf ? await gnosticInSlices(document as object, yields) : encode(document);
      this.#v2[inProtobuf ? 'protobuf' : 'json'] = { hash, bytes: new WeakRef(body) };
    }
    const headers = inProtobuf ? { 'content-type': gnosticMediaTypes[1] } : json;
    return withEtag(context, inProtobuf ? `${hash}PB` : hash, body, { ...headers, vary: 'Accept' });
  }

  async #hashes(): Promise<ReadonlyMap<string, string>> {
    const source = await this.#loaded();
    const hashes = new Map<string, string>();
    for (const document of source.documents())
      hashes.set(document, await this.#hash(source, document, () => source.v3(document)));
    return hashes;
  }

  /** What changes is hashed by what it is made of: a thousand custom resources need not be written out for an index. */
  async #hash(source: OpenApiSource, document: string, make: () => unknown): Promise<string> {
    const fingerprint = source.fingerprint(document);
    const known = this.#known.get(document);
    if (known && known.fingerprint === fingerprint) return known.hash;
    const hash = await contentHash(fingerprint === undefined ? encode(make()) : text.encode(fingerprint));
    this.#known.set(document, { fingerprint, hash });
    await yieldTask(this.#clock);
    return hash;
  }

  #loaded(): Promise<OpenApiSource> {
    this.#source ??= this.#load();
    return this.#source;
  }
}

const json = { 'content-type': 'application/json' } as const;

const text = new TextEncoder();
const encode = (value: unknown): Uint8Array<ArrayBuffer> => text.encode(JSON.stringify(value));

const yearFrom = (nowMs: number) => new Date(nowMs + 365 * 86_400_000).toUTCString();

/** By the order of the client's list; of v2 alone. */
function prefersGnostic(context: RequestContext): boolean {
  for (const clause of (context.request.headers.accept ?? '').split(',')) {
    const type = clause.split(';', 1)[0]!.trim();
    if (gnosticMediaTypes.includes(type as never)) return true;
    if (/^(application\/(json|\*)|\*\/\*)$/.test(type)) return false;
  }
  return false;
}

/** Protobuf forms of v3 are not made; a client that takes only those is told so. */
function requireJson(context: RequestContext): void {
  const { accept } = context.request.headers;
  if (accept === undefined || accept === '' || /application\/json|\*\/\*|application\/\*/.test(accept)) return;
  throw newNotAcceptable(['application/json']);
}
