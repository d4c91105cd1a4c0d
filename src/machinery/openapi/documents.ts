/**
 * OpenAPI documents of the built-in API: v3, one a group and version, and v2, one of all. Pure: the tables, descriptions
 * and operations are handed in, and so is what is served.
 */
import type { ResourceInfo } from '../schema/resource.ts';
import type { StructType, TypeTable } from '../schema/table.ts';
import { addCustomKind, type CustomKind } from './custom.ts';
import { DefinitionSet, type Descriptions, type GroupVersionKind, type Json } from './definitions.ts';
import { documentOf, groupVersionOf, pathItem, type RawOperations } from './operations.ts';

export interface OpenApiSources {
  readonly table: TypeTable;
  readonly descriptions: Descriptions;
  readonly operations: RawOperations;
  /** The resources that are served; the others' paths and documents are left out. */
  readonly resources: readonly ResourceInfo[];
  /** `v1.36.4`, for the document's info. */
  readonly version: string;
  /** Custom resources, as they are now; another array whenever one of them has changed. */
  readonly custom?: () => readonly CustomKind[];
}

export class OpenApiDocuments {
  readonly #sources: OpenApiSources;
  readonly #documents = new Map<string, string[]>();
  readonly #kinds = new Map<string, GroupVersionKind>();
  /** Custom kinds by document, of the array they were made of. */
  #custom: { readonly of: readonly CustomKind[]; readonly byDocument: ReadonlyMap<string, readonly CustomKind[]> } = {
    of: [],
    byDocument: new Map(),
  };

  constructor(sources: OpenApiSources) {
    this.#sources = sources;
    const served = new Set(sources.resources.map((resource) => `${resource.group}/${resource.version}`));
    const groups = new Set(sources.resources.map((resource) => resource.group));
    for (const path of Object.keys(sources.operations.paths)) {
      const document = documentOf(path);
      const gv = groupVersionOf(document);
      const isGroup = /^apis\/[^/]+$/.test(document);
      if (gv ? !served.has(`${gv.group}/${gv.version}`) : isGroup && !groups.has(document.slice(5))) continue;
      const known = this.#documents.get(document);
      if (known) known.push(path);
      else this.#documents.set(document, [path]);
    }
    for (const resource of sources.resources) {
      const at = `${resource.group}/${resource.version}/${resource.plural}`;
      const { group, version, kind } = resource;
      this.#kinds.set(at, { group, version, kind });
      for (const sub of resource.subresources)
        this.#kinds.set(`${at}/${sub.name}`, { group: sub.group, version: sub.version, kind: sub.kind });
    }
  }

  /** Names of the v3 documents, sorted: `api/v1`, `apis/apps`, `apis/apps/v1`, `version`. */
  documents(): readonly string[] {
    return [...new Set([...this.#documents.keys(), ...this.#customByDocument().keys()])].sort();
  }

  /** Equal texts: equal documents (`v2` is that of v2). Undefined: the document never changes. */
  fingerprint(document: string): string | undefined {
    const byDocument = this.#customByDocument();
    const kinds = document === 'v2' ? this.#custom.of : byDocument.get(document);
    return kinds && kinds.length > 0 ? `${this.#sources.version} ${JSON.stringify(kinds)}` : undefined;
  }

  #customByDocument(): ReadonlyMap<string, readonly CustomKind[]> {
    const kinds = this.#sources.custom?.() ?? [];
    if (kinds !== this.#custom.of) {
      const byDocument = new Map<string, CustomKind[]>();
      for (const kind of kinds) {
        const document = `apis/${kind.group}/${kind.version}`;
        const known = byDocument.get(document);
        if (known) known.push(kind);
        else byDocument.set(document, [kind]);
      }
      this.#custom = { of: kinds, byDocument };
    }
    return this.#custom.byDocument;
  }

  #addCustom(kinds: readonly CustomKind[], form: 'v2' | 'v3', definitions: DefinitionSet, items: Json): void {
    const { operations, descriptions } = this.#sources;
    for (const kind of kinds) Object.assign(items, addCustomKind(kind, form, operations, descriptions, definitions));
  }

  /** The document `apis/apps/v1`; undefined when there is none. */
  v3(document: string): Json | undefined {
    const paths = this.#documents.get(document);
    const custom = this.#customByDocument().get(document);
    if (!paths && !custom) return undefined;
    const definitions = this.#definitions('v3');
    const items = this.#paths(paths ?? [], definitions, 'v3');
    this.#addCustom(custom ?? [], 'v3', definitions, items);
    this.#addKinds(definitions, document);
    return {
      openapi: '3.0.0',
      info: { title: 'Kubernetes', version: this.#sources.version },
      paths: items,
      components: {
        schemas: definitions.definitions,
        securitySchemes: {
          BearerToken: {
            description: 'Bearer Token authentication',
            in: 'header',
            name: 'authorization',
            type: 'apiKey',
          },
        },
      },
    };
  }

  /** The one document of v2. */
  v2(): Json {
    const definitions = this.#definitions('v2');
    const paths = [...this.#documents.values()].flat().sort();
    const items = this.#paths(paths, definitions, 'v2');
    for (const document of this.#documents.keys()) this.#addKinds(definitions, document);
    this.#customByDocument();
    this.#addCustom(this.#custom.of, 'v2', definitions, items);
    return {
      swagger: '2.0',
      info: { title: 'Kubernetes', version: this.#sources.version },
      paths: items,
      definitions: definitions.definitions,
      securityDefinitions: {
        BearerToken: {
          description: 'Bearer Token authentication',
          in: 'header',
          name: 'authorization',
          type: 'apiKey',
        },
      },
      security: [{ BearerToken: [] }],
    };
  }

  #definitions(form: 'v2' | 'v3'): DefinitionSet {
    const { table, descriptions } = this.#sources;
    return new DefinitionSet(table, descriptions, form, (type) => this.#kindsOf(type));
  }

  /** Kinds that no operation names: lists of kinds that cannot be listed, options. */
  #addKinds(definitions: DefinitionSet, document: string): void {
    const gv = groupVersionOf(document);
    if (!gv) return;
    for (const resource of this.#sources.resources)
      if (resource.group === gv.group && resource.version === gv.version) definitions.ref(resource.type);
  }

  #paths(paths: readonly string[], definitions: DefinitionSet, form: 'v2' | 'v3'): Json {
    const { operations } = this.#sources;
    const items: Json = {};
    for (const path of paths) items[path] = pathItem(path, operations, definitions, form, (at) => this.#kindAt(at));
    return items;
  }

  /** The kind that a path is about: of its resource, or of its sub-resource. */
  #kindAt(path: string): GroupVersionKind | undefined {
    const document = documentOf(path);
    const gv = groupVersionOf(document);
    if (!gv) return undefined;
    const rest = path.slice(document.length + 2).replace(/^namespaces\/\{namespace\}\/(?=.)/, '');
    const [plural = '', , subresource] = rest.split('/');
    const at = `${gv.group}/${gv.version}/${plural}`;
    // /namespaces/{name}/status and /namespaces/{namespace}/pods look alike to the replacement above, not to the table.
    if (!this.#kinds.has(at)) return this.#kinds.get(`${gv.group}/${gv.version}/namespaces`);
    return subresource === undefined ? this.#kinds.get(at) : this.#kinds.get(`${at}/${subresource}`);
  }

  #kindsOf(type: StructType): readonly GroupVersionKind[] {
    const group = type.group === 'core' || type.group === 'meta' ? '' : type.group;
    const { version, name: kind } = type;
    if (type.id === 'meta/v1/DeleteOptions' || type.id === 'meta/v1/WatchEvent') {
      const versions = new Map(this.#sources.resources.map((r) => [`${r.group}/${r.version}`, r]));
      return [...versions.values()].map((r) => ({ group: r.group, version: r.version, kind }));
    }
    return type.root ? [{ group, version, kind }] : [];
  }
}
