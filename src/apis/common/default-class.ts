import type { KubeObject } from '../../machinery/meta/object.ts';

/** The name, with a note on the class that objects get which name none. */
export function defaultClassName(object: KubeObject, ...annotations: readonly string[]): string {
  const name = object.metadata.name ?? '';
  return annotations.some((key) => object.metadata.annotations?.[key] === 'true') ? `${name} (default)` : name;
}
