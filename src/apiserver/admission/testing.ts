/** For tests of plugins: a look-up over plain objects, and requests. */
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { UserInfo } from '../../machinery/wire.ts';
import type { RequestContext } from '../request-context.ts';
import type { Lookup } from '../registry/registry.ts';
import type { Attributes, Operation } from './plugin.ts';

/** Keys: `resource`, or `resource.group`. */
export function lookupOf(
  objects: Readonly<Record<string, readonly KubeObject[]>>,
  subscribe: Lookup['subscribe'] = () => () => {},
): () => Lookup {
  const of = (group: string, resource: string) => objects[group === '' ? resource : `${resource}.${group}`] ?? [];
  const lookup: Lookup = {
    get<T extends KubeObject>(group: string, resource: string, namespace: string, name: string): T | undefined {
      return of(group, resource).find((o) => o.metadata.name === name && (o.metadata.namespace ?? '') === namespace) as
        | T
        | undefined;
    },
    list<T extends KubeObject>(group: string, resource: string, namespace = ''): readonly T[] {
      return of(group, resource).filter(
        (o) => namespace === '' || o.metadata.namespace === namespace,
      ) as unknown as T[];
    },
    subscribe,
  };
  return () => lookup;
}

export interface RequestSketch {
  readonly operation?: Operation;
  readonly group?: string;
  /** `pods`, or `pods/status`. */
  readonly resource: string;
  readonly object?: KubeObject;
  readonly oldObject?: KubeObject;
  readonly namespace?: string;
  readonly name?: string;
  readonly user?: UserInfo;
}

export function attributesOf(sketch: RequestSketch): Attributes {
  const [resource = '', subresource = ''] = sketch.resource.split('/');
  const user = sketch.user ?? { username: 'admin', groups: ['system:masters'] };
  return {
    context: { user, warnings: [], request: { signal: new AbortController().signal } } as unknown as RequestContext,
    operation: sketch.operation ?? 'CREATE',
    group: sketch.group ?? '',
    version: 'v1',
    kind: '',
    resource,
    subresource,
    namespace: sketch.namespace ?? '',
    name: sketch.name ?? sketch.object?.metadata.name ?? sketch.oldObject?.metadata.name ?? '',
    object: sketch.object,
    oldObject: sketch.oldObject,
    dryRun: false,
  };
}
