/**
 * Protobuf to objects: messages whose fields are named by the type table. The result is what the object's JSON would have
 * parsed to. Go writes the zero of every value that is no pointer: such a field is left out here where its JSON has
 * `omitempty`.
 */
import type { Field, StructType, ValueType } from '../schema/table.ts';
import { bindFields, type BoundField, type ProtobufMessages, unionOf } from './protobuf-fields.ts';
import { delimitedWire, ProtobufError, ProtobufReader, type Wire } from './protobuf-reader.ts';
import { type ReadValue, readFreeJson, scalarReaders, zeroOf } from './protobuf-values.ts';

type Target = Record<string, unknown>;
type ReadField = (reader: ProtobufReader, wire: Wire, out: Target) => void;
/** By field number. */
type Fields = ReadonlyMap<number, ReadField>;

/** A struct and its message, in which a value stands. */
interface Within {
  readonly message: string;
  readonly type: StructType;
}

export class ProtobufDecoder {
  readonly #messages: ProtobufMessages;
  readonly #compiled = new Map<string, Fields>();

  constructor(messages: ProtobufMessages) {
    this.#messages = messages;
  }

  /** The object that `bytes` hold, as of the type: of the caller's own. Throws ProtobufError. */
  decode(message: string, type: StructType, bytes: Uint8Array): Target {
    const out: Target = Object.create(null);
    readFields(this.#fieldsOf(message, type), new ProtobufReader(bytes), out);
    return out;
  }

  #fieldsOf(message: string, type: StructType): Fields {
    const key = `${message} ${type.id}`;
    let fields = this.#compiled.get(key);
    if (fields === undefined) {
      const made = new Map<number, ReadField>();
      this.#compiled.set(key, made); // before its fields: messages refer to themselves
      for (const bound of bindFields(this.#messages, message, type))
        made.set(bound.number, this.#field(bound, { message, type }));
      fields = made;
    }
    return fields;
  }

  #field(bound: BoundField, within: Within): ReadField {
    const { field } = bound;
    if (field === undefined) {
      const fields = this.#fieldsOf(bound.type, within.type);
      return (reader, wire, out) => reader.message(wire, () => readFields(fields, reader, out));
    }
    if (bound.label === 'map') return this.#mapField(bound, field);
    const { name } = field;
    if (bound.label === 'repeated') {
      const items = field.value.kind === 'list' ? field.value.items : field.value;
      const read = this.#value(items, bound.type, within);
      const mayBePacked = ['int32', 'int64', 'boolean'].includes(items.kind);
      return (reader, wire, out) => {
        const list = (out[name] ??= []) as unknown[];
        if (!mayBePacked || wire !== delimitedWire) list.push(read(reader, wire));
        else
          reader.message(wire, () => {
            while (reader.more) list.push(read(reader, 0));
          });
      };
    }
    const read = this.#value(field.value, bound.type, within);
    const dropZero = field.omitEmpty && !field.pointer;
    return (reader, wire, out) => {
      const value = read(reader, wire);
      if (value === undefined) return;
      if (dropZero && (value === '' || value === 0 || value === false)) return;
      out[name] = value;
    };
  }

  #mapField(bound: BoundField, field: Field): ReadField {
    const values = field.value.kind === 'map' ? field.value.values : field.value;
    const read = this.#value(values, bound.type, undefined);
    return (reader, wire, out) => {
      const map = (out[field.name] ??= Object.create(null)) as Target;
      let key = '';
      let value: unknown;
      reader.message(wire, () => {
        while (reader.more) {
          const tag = reader.tag();
          if (tag >>> 3 === 1) key = reader.text(tag & 7);
          else if (tag >>> 3 === 2) value = read(reader, tag & 7);
          else reader.skip(tag & 7);
        }
      });
      map[key] = value ?? zeroOf(values);
    };
  }

  #value(type: ValueType, message: string, within: Within | undefined): ReadValue {
    switch (type.kind) {
      case 'struct':
        return this.#structReader(message, type.struct);
      case 'list': {
        // A named list type (ExtraValue, Verbs) is a message with `items`.
        const read = this.#value(type.items, message, undefined);
        return (reader, wire) => {
          const items: unknown[] = [];
          reader.message(wire, () => {
            while (reader.more) {
              const tag = reader.tag();
              if (tag >>> 3 === 1) items.push(read(reader, tag & 7));
              else reader.skip(tag & 7);
            }
          });
          return items;
        };
      }
      case 'any':
        return within !== undefined && unionOf(this.#messages, message) !== undefined
          ? this.#unionReader(message, within)
          : readFreeJson;
      case 'map':
        throw new ProtobufError(`${message} is no message of a map`);
      default:
        return scalarReaders[type.kind];
    }
  }

  #structReader(message: string, type: StructType): ReadValue {
    const fields = this.#fieldsOf(message, type);
    return (reader, wire) => {
      const out: Target = Object.create(null);
      reader.message(wire, () => readFields(fields, reader, out));
      return out;
    };
  }

  /** A schema, or what may stand in its place: true or false, a list of schemas, a list of names. */
  #unionReader(message: string, within: Within): ReadValue {
    const other = unionOf(this.#messages, message);
    const schemaNumber = this.#messages[message]!['schema']![0];
    const readSchema = this.#structReader(within.message, within.type);
    return (reader, wire) => {
      let schema: unknown;
      let allows = false;
      const list: unknown[] = [];
      reader.message(wire, () => {
        while (reader.more) {
          const tag = reader.tag();
          if (tag >>> 3 === schemaNumber) schema = readSchema(reader, tag & 7);
          else if (other === 'allows') allows = reader.boolean(tag & 7);
          else list.push(other === 'property' ? reader.text(tag & 7) : readSchema(reader, tag & 7));
        }
      });
      return schema ?? (other === 'allows' ? allows : list);
    };
  }
}

function readFields(fields: Fields, reader: ProtobufReader, out: Target): void {
  while (reader.more) {
    const tag = reader.tag();
    const read = fields.get(tag >>> 3);
    if (read === undefined) reader.skip(tag & 7);
    else read(reader, tag & 7, out);
  }
}
