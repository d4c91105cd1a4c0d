/** Which JSON field a protobuf field is: the two tables put together, once a message. */
import type { Field, StructType } from '../schema/table.ts';

/** Number, label (optional, repeated, required, map), type (for maps `key,value`). */
export type ProtobufField = readonly [number, string, string];
/** Fields by name, by the full name of their message. */
export type ProtobufMessages = Readonly<Record<string, Readonly<Record<string, ProtobufField>>>>;

export interface BoundField {
  readonly number: number;
  readonly label: string;
  /** Of a map: of its values. */
  readonly type: string;
  /** Undefined: an embedded struct, whose fields are the outer one's. */
  readonly field: Field | undefined;
}

/** Names differ in case (aPIGroup), and lose what protobuf allows in none ($ref, x-kubernetes-list-type). */
const folded = (name: string): string => name.replace(/[^A-Za-z0-9]/g, '').toLowerCase();

/** The fields of a message that have a JSON field, or embed one, by ascending number. */
export function bindFields(messages: ProtobufMessages, message: string, type: StructType): readonly BoundField[] {
  const byFoldedName = new Map(type.fields.map((field) => [folded(field.name), field]));
  const bound: BoundField[] = [];
  for (const [name, [number, label, valueType]] of Object.entries(messages[message] ?? {})) {
    const field = type.byName.get(name) ?? byFoldedName.get(folded(name));
    if (field === undefined && !Object.hasOwn(messages, valueType)) continue;
    const comma = label === 'map' ? valueType.indexOf(',') : -1;
    bound.push({ number, label, type: valueType.slice(comma + 1).trim(), field });
  }
  return bound.sort((a, b) => a.number - b.number);
}

/**
 * The message of a free value that is one of two things in JSON (a schema or whether any is allowed; a schema, or a list
 * of them): the name of its other field. Undefined for messages that hold JSON text.
 */
export function unionOf(
  messages: ProtobufMessages,
  message: string,
): 'allows' | 'jSONSchemas' | 'property' | undefined {
  const fields = messages[message];
  if (fields === undefined || !Object.hasOwn(fields, 'schema')) return undefined;
  for (const other of ['allows', 'jSONSchemas', 'property'] as const) if (Object.hasOwn(fields, other)) return other;
  return undefined;
}
