/** OpenAPI of the built-in API. Loads descriptions and operations (1.2 MB) on first use. */
import { OpenApiDocuments } from '../machinery/openapi/documents.ts';
import type { CustomKind } from '../machinery/openapi/custom.ts';
import type { ResourceInfo } from '../machinery/schema/resource.ts';
import { allResources, builtinTypes } from './scheme.ts';

export interface OpenApiOptions {
  /** Default: what is served by default. */
  readonly resources?: readonly ResourceInfo[];
  /** Shown in every document: `v1.36.4`. */
  readonly version: string;
  /** Custom resources, as they are now; another array whenever one of them has changed. */
  readonly custom?: () => readonly CustomKind[];
}

export async function loadOpenApi(options: OpenApiOptions): Promise<OpenApiDocuments> {
  const [{ descriptions }, { operations }] = await Promise.all([
    import('./generated/descriptions.ts'),
    import('./generated/operations.ts'),
  ]);
  const resources = options.resources ?? allResources().filter((resource) => resource.servedByDefault);
  const { version, custom } = options;
  return new OpenApiDocuments({
    table: builtinTypes,
    descriptions,
    operations,
    resources,
    version,
    ...(custom ? { custom } : {}),
  });
}
