/**
 * The shape of one version of a kind, and everything that follows from the table alone. `src/apis/scheme.ts` makes them
 * for the built-in kinds: `schemaOf('apps', 'v1', 'Deployment')`.
 *
 *   bytes --decode--> { object, strictErrors } --applyDefaults--> --(admission)--> --validate--> --encode--> bytes
 *
 * - `decode(bytes)` is `normalize(parseJson(bytes))`. It throws DecodeError (or JsonSyntaxError) with upstream's decoder
 *   message; `cannotBeHandled` in errors.ts makes the whole BadRequest text of it.
 * - The object it gives is canonical (see decode.ts): comparing two such objects compares what they mean.
 * - `strictErrors` are `unknown field "spec.foo"` and `duplicate field "spec.bar"`: fieldValidation Strict refuses them
 *   with `strictDecodingError`, Warn turns each into a warning, Ignore skips them (and need not look for duplicates).
 * - `encode(object)` gives the bytes as upstream's encoder writes them, without a trailing newline. It reads only.
 */
import { encodeText, parseJson } from '../codec/json.ts';
import type { KubeObject } from '../meta/object.ts';
import type { FieldError } from '../validation/field-error.ts';
import { decodeStruct } from './decode.ts';
import type { Defaulter } from './defaults.ts';
import { encodeStruct } from './encode.ts';
import type { StructType } from './table.ts';
import { validateStruct } from './validate.ts';

export interface Decoded<T extends KubeObject = KubeObject> {
  readonly object: T;
  readonly strictErrors: readonly string[];
}

export interface DecodeOptions {
  /** Also find duplicate keys. Default true; Ignore needs none. */
  readonly strict?: boolean;
}

export class Schema<T extends KubeObject = KubeObject> {
  readonly type: StructType;
  readonly #defaulter: Defaulter;

  constructor(type: StructType, defaulter: Defaulter) {
    this.type = type;
    this.#defaulter = defaulter;
  }

  /** A body to an object. The bytes are not kept. */
  decode(bytes: Uint8Array | string, options: DecodeOptions = {}): Decoded<T> {
    const { value, duplicates } = parseJson(bytes, { findDuplicates: options.strict ?? true });
    return this.normalize(value, duplicates);
  }

  /** Parsed JSON, which must be the caller's own, to an object. */
  normalize(value: unknown, duplicates: readonly string[] = []): Decoded<T> {
    const { value: object, unknownFields } = decodeStruct(this.type, value);
    if (unknownFields.length === 0 && duplicates.length === 0)
      return { object: object as unknown as T, strictErrors: [] };
    const inUnknown = (path: string): boolean =>
      unknownFields.some((unknown) => path.startsWith(`${unknown}.`) || path.startsWith(`${unknown}[`));
    return {
      object: object as unknown as T,
      strictErrors: [
        ...unknownFields.map((path) => `unknown field ${JSON.stringify(path)}`),
        ...duplicates.filter((path) => !inUnknown(path)).map((path) => `duplicate field ${JSON.stringify(path)}`),
      ],
    };
  }

  /** The table's defaults and the hooks of nested types, in place. Idempotent. Conditional ones of the kind come after. */
  applyDefaults(object: T): void {
    this.#defaulter.apply(this.type, object);
  }

  /** What OpenAPI's generic rules say: nothing that a kind's own validation words better. */
  validate(object: T): readonly FieldError[] {
    return validateStruct(this.type, object);
  }

  encodeText(object: T): string {
    return encodeStruct(this.type, object);
  }

  encode(object: T): Uint8Array {
    return encodeText(encodeStruct(this.type, object));
  }
}
