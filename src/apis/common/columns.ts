/** Columns that many kinds share, and a short way to write the others. */
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { Column } from '../kind.ts';
import type { PodTemplateSpec } from '../generated/types/core/v1.ts';
import { age } from './human-duration.ts';

export type Cell = string | number | boolean | null;

interface ColumnOptions {
  readonly type?: Column['type'];
  readonly format?: string;
  /** Only with `-o wide`. */
  readonly wide?: boolean;
  readonly description?: string;
}

export function column<T = KubeObject>(
  name: string,
  cell: (object: T, nowMs: number) => Cell,
  options: ColumnOptions = {},
): Column<T> {
  return {
    name,
    type: options.type ?? 'string',
    format: options.format ?? '',
    description: options.description ?? '',
    priority: options.wide === true ? 1 : 0,
    cell,
  };
}

const nameDescription = 'Name of the object, unique among those of its kind in the namespace.';
const ageDescription = 'Time since the object was created.';

export const nameColumn: Column<KubeObject> = column('Name', (o: KubeObject) => o.metadata.name ?? '', {
  format: 'name',
  description: nameDescription,
});

export const ageColumn: Column<KubeObject> = column(
  'Age',
  (o: KubeObject, nowMs) => age(o.metadata.creationTimestamp, nowMs),
  { description: ageDescription },
);

/** For kinds without columns of their own. */
export const defaultColumns: readonly Column[] = [
  nameColumn,
  column('Created At', (o: KubeObject) => o.metadata.creationTimestamp ?? null, {
    type: 'date',
    description: ageDescription,
  }),
];

export const none = '<none>';
export const unset = '<unset>';

/** `k=v,k=v` by key; `<none>` when there are none. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined | null): string {
  const keys = Object.keys(labels ?? {}).sort();
  return keys.length === 0 ? none : keys.map((key) => `${key}=${labels![key]}`).join(',');
}

/** The first `max`, and how many more there are. */
export function shortList(items: readonly string[], max: number, empty: string): string {
  if (items.length === 0) return empty;
  const head = items.slice(0, max).join(',');
  return items.length > max ? `${head} + ${items.length - max} more...` : head;
}

/** Container names and images of a pod template, for `-o wide`. */
export function containerColumns<T>(template: (object: T) => PodTemplateSpec | undefined, wide = true): Column<T>[] {
  const containers = (object: T) => template(object)?.spec?.containers ?? [];
  return [
    column<T>(
      'Containers',
      (o) =>
        containers(o)
          .map((c) => c.name)
          .join(','),
      {
        wide,
        description: 'Names of the containers of the template.',
      },
    ),
    column<T>(
      'Images',
      (o) =>
        containers(o)
          .map((c) => c.image ?? '')
          .join(','),
      {
        wide,
        description: 'Images of the containers of the template.',
      },
    ),
  ];
}
