import { expect, test } from 'vitest';
import type { KubeObject } from '../machinery/meta/object.ts';
import { kinds } from './index.ts';

const names = kinds.map((k) => `${k.group}/${k.version}/${k.kind}`);

test('no kind is there twice', () => {
  expect(new Set(names).size).toBe(names.length);
});

/** The least that decoding lets through, and a status. */
const bare = (): KubeObject =>
  ({
    metadata: { name: 'x', creationTimestamp: '1970-01-01T00:00:00Z' },
    spec: {},
    status: {},
  }) as unknown as KubeObject;

test.each(kinds.map((k, i) => [names[i]!, k] as const))('%s: columns, fields and defaults bear little', (_, kind) => {
  const object = bare();
  for (const column of kind.columns ?? []) {
    const cell = safely(() => column.cell(object, 60_000));
    expect(cell === null || cell === undefined || ['string', 'number', 'boolean'].includes(typeof cell)).toBe(true);
  }
  const columnNames = (kind.columns ?? []).map((c) => c.name);
  expect(new Set(columnNames).size).toBe(columnNames.length);
  for (const get of Object.values(kind.selectableFields ?? {})) expect(typeof get(object)).toBe('string');
  const once = bare();
  kind.applyDefaults?.(once);
  const twice = structuredClone(once);
  kind.applyDefaults?.(twice);
  expect(twice).toEqual(once);
});

/** Required fields are missing here on purpose; in a served object they cannot be. */
function safely<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}
