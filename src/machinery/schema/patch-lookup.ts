/** The table as strategic merge sees it. Types go by id: `core/v1/PodSpec`; lists and maps by their elements' type. */
import type { PatchMeta, SchemaLookup } from '../patch/schema-lookup.ts';
import type { TypeTable, ValueType } from './table.ts';

export function patchLookup(table: TypeTable): SchemaLookup {
  return {
    patchMeta(type, field) {
      const found = table.find(type)?.byName.get(field);
      if (!found) return undefined;
      const strategies = found.patchStrategy?.split(',') ?? [];
      const child = childType(found.value);
      const meta: { -readonly [K in keyof PatchMeta]: PatchMeta[K] } = {};
      if (strategies.includes('merge')) meta.strategy = 'merge';
      else if (strategies.includes('replace')) meta.strategy = 'replace';
      if (found.patchMergeKey !== undefined) meta.mergeKey = found.patchMergeKey;
      if (child !== undefined) meta.childType = child;
      return meta;
    },
  };
}

function childType(type: ValueType): string | undefined {
  if (type.kind === 'struct') return type.struct.id;
  if (type.kind === 'list') return childType(type.items);
  if (type.kind === 'map') return childType(type.values);
  return undefined;
}
