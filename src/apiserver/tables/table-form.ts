/**
 * Tables (meta.k8s.io Table): what `kubectl get` prints, computed by the server. Every watch event is a table of one
 * row with its column definitions, so that it means the same to whoever starts reading there.
 */
import type { Column } from '../../apis/kind.ts';
import type { Clock } from '../../base/clock.ts';
import type { KubeObject, ListMeta } from '../../machinery/meta/object.ts';
import type { WatchEventType, WatchFrame } from '../../machinery/wire.ts';
import type { Revision } from '../../store/store.ts';
import type { Resource } from '../registry/resource.ts';
import { parseJson, stringifyJson } from '../../machinery/codec/json.ts';
import type { CachedObject } from '../watchcache/cached-object.ts';
import { type Form, jsonList, LazyFrame, plainFrame } from '../watchcache/form.ts';
import { servedObject } from '../watchcache/json-form.ts';
import { MetadataForm } from '../watchcache/metadata-form.ts';
import { defaultColumns } from './default-columns.ts';

/** What rows carry beside their cells. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

const text = new TextEncoder();

export class TableForm implements Form {
  readonly id: string;
  readonly #resource: Resource;
  readonly #columns: readonly Column[];
  readonly #include: IncludeObject;
  readonly #apiVersion: string;
  readonly #definitions: string;
  readonly #metadata: MetadataForm;
  readonly #clock: Clock;

  constructor(resource: Resource, metaVersion: 'v1' | 'v1beta1', include: IncludeObject, clock: Clock) {
    this.#resource = resource;
    this.#columns = resource.kindInfo.columns ?? defaultColumns;
    this.#include = include;
    this.#apiVersion = `meta.k8s.io/${metaVersion}`;
    this.#metadata = new MetadataForm(metaVersion);
    this.#clock = clock;
    this.id = `table:${resource.apiVersion}:${metaVersion}:${include}`;
    this.#definitions = JSON.stringify(
      this.#columns.map((c) => ({
        name: c.name,
        type: c.type,
        format: c.format ?? '',
        description: c.description,
        priority: c.priority ?? 0,
      })),
    );
  }

  single(object: CachedObject): Uint8Array {
    return text.encode(`${this.#table(object)}\n`);
  }

  list(meta: ListMeta, items: Iterable<CachedObject | undefined>): Generator<Uint8Array | undefined> {
    return jsonList(this.#head(meta), items, (object) => text.encode(this.#row(object)));
  }

  frame(type: WatchEventType, object: CachedObject): WatchFrame {
    const bytes = text.encode(`{"type":"${type}","object":${this.#table(object)}}\n`);
    return new LazyFrame(type, bytes, () => (parseJson(bytes).value as { object: unknown }).object);
  }

  bookmark(revision: Revision, initialEventsEnd: boolean): WatchFrame {
    const inner = this.#metadata.bookmark(revision, initialEventsEnd).object;
    return plainFrame('BOOKMARK', {
      kind: 'Table',
      apiVersion: this.#apiVersion,
      metadata: { resourceVersion: String(revision) },
      columnDefinitions: JSON.parse(this.#definitions),
      rows: [{ cells: this.#columns.map(() => null), object: inner }],
    });
  }

  error(status: unknown): WatchFrame {
    return plainFrame('ERROR', status);
  }

  #head(meta: ListMeta): string {
    return `{"kind":"Table","apiVersion":"${this.#apiVersion}","metadata":${JSON.stringify(meta)},"columnDefinitions":${this.#definitions},"rows":[`;
  }

  #table(object: CachedObject): string {
    return `${this.#head({ resourceVersion: String(object.revision) })}${this.#row(object)}]}`;
  }

  #row(object: CachedObject): string {
    const nowMs = this.#clock.now();
    const decoded: KubeObject = this.#resource.storage?.conversion
      ? servedObject(this.#resource, object)
      : object.object;
    const cells = this.#columns.map((column) => {
      try {
        return column.cell(decoded, nowMs);
      } catch {
        // A printer that stumbles over one odd object must not hide all others.
        return '<invalid>';
      }
    });
    return `{"cells":${JSON.stringify(cells)},"object":${this.#rowObject(object)}}`;
  }

  #rowObject(object: CachedObject): string {
    switch (this.#include) {
      case 'None':
        return 'null';
      case 'Metadata':
        return this.#metadata.partial(object);
      case 'Object':
        return stringifyJson(servedObject(this.#resource, object));
    }
  }
}
