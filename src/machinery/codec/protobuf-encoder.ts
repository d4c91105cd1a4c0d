/**
 * Objects to protobuf, byte for byte as upstream's generated code writes them: fields by ascending number; a value that
 * is no pointer in Go is written even when it is zero or absent; maps sorted by the bytes of their keys.
 *
 * A message is compiled once into a list of closures; the writer goes from the end of a message to its beginning.
 */
import { sortedKeys } from '../schema/encode.ts';
import type { Field, StructType, ValueType } from '../schema/table.ts';
import { bindFields, type BoundField, type ProtobufMessages, unionOf } from './protobuf-fields.ts';
import { type Codec, delimited, freeJson, scalars, type WriteValue } from './protobuf-scalars.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

type Members = Readonly<Record<string, unknown>>;
/** Writes fields of an object, the last one first. */
type WriteFields = (writer: ProtobufWriter, object: Members) => void;

const none: Members = Object.freeze({});

export class ProtobufEncoder {
  readonly #messages: ProtobufMessages;
  readonly #compiled = new Map<string, WriteFields>();
  readonly #writer = new ProtobufWriter(64 * 1024);

  constructor(messages: ProtobufMessages) {
    this.#messages = messages;
  }

  has(message: string): boolean {
    return Object.hasOwn(this.#messages, message);
  }

  /** The message of an object of the type, without envelope. The object is only read. */
  encode(message: string, type: StructType, object: object): Uint8Array {
    this.#writer.clear();
    this.#fieldsOf(message, type)(this.#writer, object as Members);
    return this.#writer.take();
  }

  /** Throws when there is none. */
  fieldNumber(message: string, name: string): number {
    const field = this.#messages[message]?.[name];
    if (field === undefined) throw new Error(`protobuf: ${message} has no field ${name}`);
    return field[0];
  }

  #fieldsOf(message: string, type: StructType): WriteFields {
    const key = `${message} ${type.id}`;
    let write = this.#compiled.get(key);
    if (write === undefined) {
      // Messages refer to themselves: whoever asks meanwhile gets one that looks here again.
      this.#compiled.set(key, (writer, object) => this.#compiled.get(key)!(writer, object));
      write = this.#compile(message, type);
      this.#compiled.set(key, write);
    }
    return write;
  }

  #compile(message: string, type: StructType): WriteFields {
    const writers = bindFields(this.#messages, message, type).map((bound) => this.#field(bound, message, type));
    writers.reverse();
    return (writer, object) => {
      for (let i = 0; i < writers.length; i++) writers[i]!(writer, object);
    };
  }

  #field(bound: BoundField, message: string, outer: StructType): WriteFields {
    const { field, number } = bound;
    if (field === undefined) {
      const fields = this.#fieldsOf(bound.type, outer);
      return (writer, object) => {
        const end = writer.length;
        fields(writer, object);
        writer.varint(writer.length - end);
        writer.varint((number << 3) | 2);
      };
    }
    if (bound.label === 'map') return this.#mapField(bound, field);
    const { name } = field;
    if (bound.label === 'repeated') {
      const items = field.value.kind === 'list' ? field.value.items : field.value;
      const { wire, write } = this.#codec(items, bound.type, message, outer);
      const tag = (number << 3) | wire;
      return (writer, object) => {
        const list = object[name] as readonly unknown[] | undefined | null;
        if (!Array.isArray(list)) return;
        for (let i = list.length - 1; i >= 0; i--) {
          write(writer, list[i]);
          writer.varint(tag);
        }
      };
    }
    const { wire, write } = this.#codec(field.value, bound.type, message, outer);
    const tag = (number << 3) | wire;
    const skipAbsent = field.pointer || field.value.kind === 'bytes';
    return (writer, object) => {
      const value = object[name];
      if (skipAbsent && (value === undefined || value === null)) return;
      write(writer, value);
      writer.varint(tag);
    };
  }

  #mapField(bound: BoundField, field: Field): WriteFields {
    const { name } = field;
    const values = field.value.kind === 'map' ? field.value.values : field.value;
    const { wire, write } = this.#codec(values, bound.type, '', undefined);
    const valueTag = (2 << 3) | wire;
    const keyTag = (1 << 3) | 2;
    const tag = (bound.number << 3) | 2;
    return (writer, object) => {
      const map = object[name] as Members | undefined | null;
      if (typeof map !== 'object' || map === null) return;
      const keys = sortedKeys(map);
      for (let i = keys.length - 1; i >= 0; i--) {
        const end = writer.length;
        write(writer, map[keys[i]!]);
        writer.varint(valueTag);
        writer.string(keys[i]!);
        writer.varint(keyTag);
        writer.varint(writer.length - end);
        writer.varint(tag);
      }
    };
  }

  /** `within`: the message and struct that the value stands in. */
  #codec(type: ValueType, message: string, within: string, outer: StructType | undefined): Codec {
    switch (type.kind) {
      case 'struct': {
        const fields = this.#fieldsOf(message, type.struct);
        return delimited((writer, value) => fields(writer, (value as Members | undefined | null) ?? none));
      }
      case 'list': {
        // A named list type (ExtraValue, Verbs) is a message with `items`.
        const { wire, write } = this.#codec(
          type.items,
          this.#messages[message]?.['items']?.[2] ?? 'string',
          '',
          undefined,
        );
        return delimited((writer, value) => {
          if (!Array.isArray(value)) return;
          for (let i = value.length - 1; i >= 0; i--) {
            write(writer, value[i]);
            writer.varint((1 << 3) | wire);
          }
        });
      }
      case 'any': {
        const union = unionOf(this.#messages, message);
        return union === undefined || outer === undefined
          ? freeJson
          : delimited(unionWriter(union, this.#fieldsOf(within, outer)));
      }
      case 'map':
        throw new Error(`protobuf: ${message} is no message of a map`);
      default:
        return scalars[type.kind];
    }
  }
}

/** JSONSchemaPropsOrBool, ...OrArray and ...OrStringArray; `schema` writes a schema. */
function unionWriter(other: 'allows' | 'jSONSchemas' | 'property', schema: WriteFields): WriteValue {
  const { write } = delimited((writer, value) => schema(writer, value as Members));
  return (writer, value) => {
    if (other === 'allows') {
      if (typeof value === 'object' && value !== null) {
        write(writer, value);
        writer.varint((2 << 3) | 2);
      }
      writer.varint(value === false || value === undefined || value === null ? 0 : 1);
      writer.varint((1 << 3) | 0);
      return;
    }
    if (Array.isArray(value)) {
      for (let i = value.length - 1; i >= 0; i--) {
        if (other === 'property') writer.string(String(value[i]));
        else write(writer, value[i]);
        writer.varint((2 << 3) | 2);
      }
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    write(writer, value);
    writer.varint((1 << 3) | 2);
  };
}
