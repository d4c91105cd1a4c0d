/** The columns of custom resources: name, then what the definition says (additionalPrinterColumns), else the age. */
import { nameColumn } from '../../apis/common/columns.ts';
import { age } from '../../apis/common/human-duration.ts';
import type { CustomResourceColumnDefinition } from '../../apis/generated/types/apiextensions.k8s.io/v1.ts';
import type { Column } from '../../apis/kind.ts';
import { type JsonPath, parseJsonPath } from '../../machinery/jsonpath/jsonpath.ts';
import { sortedJson } from '../../machinery/structural/sorted-json.ts';

const ageDefinition: CustomResourceColumnDefinition = {
  name: 'Age',
  type: 'date',
  description: 'Time since the object was created.',
  jsonPath: '.metadata.creationTimestamp',
};

export function customColumns(definitions: readonly CustomResourceColumnDefinition[] | undefined): readonly Column[] {
  const columns: Column[] = [nameColumn];
  for (const definition of definitions?.length ? definitions : [ageDefinition]) {
    let path: JsonPath;
    try {
      path = parseJsonPath(definition.jsonPath);
    } catch {
      return columns; // upstream stops at the first that it cannot read
    }
    columns.push({
      name: definition.name,
      type: definition.type as Column['type'],
      format: definition.format ?? '',
      description:
        definition.description || `Custom resource definition column (in JSONPath format): ${definition.jsonPath}`,
      priority: definition.priority ?? 0,
      cell: (object, nowMs) => {
        const [value] = path(object);
        return value === undefined || value === null ? null : cellOf(definition.type, value, nowMs);
      },
    });
  }
  return columns;
}

/** Null where the value is not of the column's type. */
function cellOf(type: string, value: unknown, nowMs: number): string | number | boolean | null {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : typeof value === 'object' ? sortedJson(value) : String(value);
    case 'integer':
      return typeof value === 'number' || typeof value === 'bigint' ? Math.trunc(Number(value)) : null;
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      if (typeof value !== 'string') return null;
      return Number.isNaN(Date.parse(value)) ? '<invalid>' : age(value, nowMs);
    default:
      return null;
  }
}
