/**
 * A document of OpenAPI v2 in protobuf: the messages of gnostic's OpenAPIv2.proto, which kubectl and client-go ask
 * /openapi/v2 for. Zero values are left out (proto3); free values are YAML text, of which JSON is a part.
 */
import { stringifyJson } from '../codec/json.ts';
import { ProtobufWriter } from '../codec/protobuf-writer.ts';

/** Both names of the form; the second is what answers say. */
export const gnosticMediaTypes = [
  'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
] as const;

type Members = Readonly<Record<string, unknown>>;
/** Writes a field with its tag; nothing for values that are not there. */
type WriteField = (writer: ProtobufWriter, number: number, value: unknown) => void;
/** Writes the fields of a message, the last one first. */
type WriteMessage = (writer: ProtobufWriter, value: Members) => void;

export function gnosticDocument(document: object): Uint8Array {
  const writer = new ProtobufWriter(64 * 1024);
  writeDocument(writer, document as Members);
  return writer.take();
}

/**
 * The same document in slices of a few milliseconds: `yields` is waited for between two. Paths and definitions come after
 * the other fields, which protobuf allows.
 */
export async function gnosticInSlices(document: object, yields: () => Promise<void>): Promise<Uint8Array> {
  const { paths, definitions, ...rest } = document as Members;
  const parts: Uint8Array[] = [gnosticDocument(rest)];
  for (const [field, members] of Object.entries({ paths, definitions })) {
    const bodies: Uint8Array[] = [];
    const entries = Object.entries((members ?? {}) as Members);
    for (let at = 0; at < entries.length; at += membersInSlice) {
      await yields();
      const slice = Object.fromEntries(entries.slice(at, at + membersInSlice));
      bodies.push(withoutHead(gnosticDocument({ [field]: slice })));
    }
    if (bodies.length === 0) continue;
    const head = new ProtobufWriter(16);
    head.varint(bodies.reduce((sum, body) => sum + body.length, 0));
    head.varint(((field === 'paths' ? 8 : 9) << 3) | 2);
    parts.push(head.take(), ...bodies);
  }
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Paths take most: 50 of them about 10 ms. */
const membersInSlice = 50;

/** The contents of a document's only field: its tag is one byte, its length a few. */
function withoutHead(bytes: Uint8Array): Uint8Array {
  let at = 1;
  while (bytes[at]! >= 0x80) at++;
  return bytes.subarray(at + 1);
}

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text: WriteField = (writer, number, value) => {
  if (typeof value !== 'string' || value === '') return;
  writer.string(value);
  writer.varint((number << 3) | 2);
};

const flag: WriteField = (writer, number, value) => {
  if (value !== true) return;
  writer.varint(1);
  writer.varint(number << 3);
};

const integer: WriteField = (writer, number, value) => {
  if (typeof value !== 'number' || value === 0) return;
  writer.integer(value);
  writer.varint(number << 3);
};

const double: WriteField = (writer, number, value) => {
  if (typeof value !== 'number' || value === 0) return;
  writer.double(value);
  writer.varint((number << 3) | 1);
};

const within = (write: (writer: ProtobufWriter, value: unknown) => void): WriteField => {
  return (writer, number, value) => {
    if (value === undefined) return;
    const end = writer.length;
    write(writer, value);
    writer.varint(writer.length - end);
    writer.varint((number << 3) | 2);
  };
};

/** `make` is called once, when first needed: messages refer to themselves. */
function message(make: () => WriteMessage): WriteField {
  let write: WriteMessage | undefined;
  return within((writer, value) => {
    if (!isMembers(value)) return;
    write ??= make();
    write(writer, value);
  });
}

/** In the order they are in. */
const each =
  (write: WriteField): WriteField =>
  (writer, number, value) => {
    if (!Array.isArray(value)) return;
    for (let i = value.length - 1; i >= 0; i--) write(writer, number, value[i]);
  };

/** Any: yaml = 2. */
const free = within((writer, value) => text(writer, 2, `${stringifyJson(value)}\n`));

/** A message per member: name = 1, value = 2. */
const named =
  (write: WriteField, select: (name: string) => boolean = () => true): WriteField =>
  (writer, number, value) => {
    if (!isMembers(value)) return;
    for (const [name, member] of Object.entries(value).reverse()) {
      if (!select(name)) continue;
      within(() => {
        write(writer, 2, member);
        text(writer, 1, name);
      })(writer, number, member);
    }
  };

const isExtension = (name: string) => name.startsWith('x-');
const extensions = named(free, isExtension);

/** Its only field, a list of named values. */
const additional = (write: WriteField): WriteField => within((writer, value) => named(write)(writer, 1, value));

type Fields = Readonly<Record<string, readonly [number, WriteField]>>;

/** `vendor`: the number of the members whose names begin with `x-`. */
function messageOf(fields: Fields, vendor: number): WriteMessage {
  const last = Object.entries(fields).sort(([, [a]], [, [b]]) => b - a);
  return (writer, value) => {
    extensions(writer, vendor, value);
    for (const [name, [number, write]] of last) write(writer, number, value[name]);
  };
}

/** A oneof whose cases are told apart by the value. */
const either = (cases: (value: Members) => readonly [number, WriteField]): WriteField =>
  within((writer, value) => {
    if (!isMembers(value)) return;
    const [number, write] = cases(value);
    write(writer, number, value);
  });

const reference = message(() => messageOf({ $ref: [1, text], description: [2, text] }, 3));
const isReference = ({ $ref }: Members) => $ref !== undefined;

const externalDocs = message(() => messageOf({ description: [1, text], url: [2, text] }, 3));

const limits = (first: number): Fields => ({
  default: [first, free],
  maximum: [first + 1, double],
  exclusiveMaximum: [first + 2, flag],
  minimum: [first + 3, double],
  exclusiveMinimum: [first + 4, flag],
  maxLength: [first + 5, integer],
  minLength: [first + 6, integer],
  pattern: [first + 7, text],
  maxItems: [first + 8, integer],
  minItems: [first + 9, integer],
  uniqueItems: [first + 10, flag],
  enum: [first + 11, each(free)],
  multipleOf: [first + 12, double],
});

const schema: WriteField = message(() => writeSchema);
const writeSchema = messageOf(
  {
    $ref: [1, text],
    format: [2, text],
    title: [3, text],
    description: [4, text],
    default: [5, free],
    multipleOf: [6, double],
    maximum: [7, double],
    exclusiveMaximum: [8, flag],
    minimum: [9, double],
    exclusiveMinimum: [10, flag],
    maxLength: [11, integer],
    minLength: [12, integer],
    pattern: [13, text],
    maxItems: [14, integer],
    minItems: [15, integer],
    uniqueItems: [16, flag],
    maxProperties: [17, integer],
    minProperties: [18, integer],
    required: [19, each(text)],
    enum: [20, each(free)],
    additionalProperties: [
      21,
      within((writer, value) => (typeof value === 'boolean' ? flag(writer, 2, value) : schema(writer, 1, value))),
    ],
    type: [22, within((writer, value) => each(text)(writer, 1, [value].flat()))],
    items: [23, within((writer, value) => each(schema)(writer, 1, [value].flat()))],
    allOf: [24, each(schema)],
    properties: [25, additional(schema)],
    discriminator: [26, text],
    readOnly: [27, flag],
    externalDocs: [29, externalDocs],
    example: [30, free],
  },
  31,
);

const primitiveItems: WriteField = message(() => writePrimitiveItems);
const writePrimitiveItems = messageOf(
  { type: [1, text], format: [2, text], items: [3, primitiveItems], collectionFormat: [4, text], ...limits(5) },
  18,
);

const bodyParameter = message(() =>
  messageOf({ description: [1, text], name: [2, text], in: [3, text], required: [4, flag], schema: [5, schema] }, 6),
);

const begin: Fields = { required: [1, flag], in: [2, text], description: [3, text], name: [4, text] };
/** Those of headers and paths lack `allowEmptyValue`, and count one less from there. */
const plainParameter = message(() =>
  messageOf(
    {
      ...begin,
      ...{ type: [5, text], format: [6, text], items: [7, primitiveItems], collectionFormat: [8, text] },
      ...limits(9),
    },
    22,
  ),
);
const formParameter = message(() =>
  messageOf(
    {
      ...begin,
      allowEmptyValue: [5, flag],
      ...{ type: [6, text], format: [7, text], items: [8, primitiveItems], collectionFormat: [9, text] },
      ...limits(10),
    },
    23,
  ),
);

const otherParameter = either(({ in: where }) => {
  if (where === 'header') return [1, plainParameter];
  if (where === 'path') return [4, plainParameter];
  return [where === 'formData' ? 2 : 3, formParameter];
});
const parameter = either((value) => (value['in'] === 'body' ? [1, bodyParameter] : [2, otherParameter]));
const parametersItem = either((value) => (isReference(value) ? [2, reference] : [1, parameter]));

const response = message(() =>
  messageOf({ description: [1, text], schema: [2, within((writer, value) => schema(writer, 1, value))] }, 5),
);
const responseValue = either((value) => (isReference(value) ? [2, reference] : [1, response]));
const responses = within((writer, value) => {
  extensions(writer, 2, value);
  named(responseValue, (name) => !isExtension(name))(writer, 1, value);
});

const securityRequirement = additional(within((writer, value) => each(text)(writer, 1, value)));
const basicSecurity = message(() => messageOf({ type: [1, text], description: [2, text] }, 3));
const apiKeySecurity = message(() =>
  messageOf({ type: [1, text], name: [2, text], in: [3, text], description: [4, text] }, 5),
);
const securityDefinition = either(({ type }) => (type === 'basic' ? [1, basicSecurity] : [2, apiKeySecurity]));

const operation = message(() => writeOperation);
const writeOperation = messageOf(
  {
    tags: [1, each(text)],
    summary: [2, text],
    description: [3, text],
    externalDocs: [4, externalDocs],
    operationId: [5, text],
    produces: [6, each(text)],
    consumes: [7, each(text)],
    parameters: [8, each(parametersItem)],
    responses: [9, responses],
    schemes: [10, each(text)],
    deprecated: [11, flag],
    security: [12, each(securityRequirement)],
  },
  13,
);

const pathItem = message(() => writePathItem);
const writePathItem = messageOf(
  {
    $ref: [1, text],
    get: [2, operation],
    put: [3, operation],
    post: [4, operation],
    delete: [5, operation],
    options: [6, operation],
    head: [7, operation],
    patch: [8, operation],
    parameters: [9, each(parametersItem)],
  },
  10,
);

const info = message(() =>
  messageOf({ title: [1, text], version: [2, text], description: [3, text], termsOfService: [4, text] }, 7),
);

const writeDocument = messageOf(
  {
    swagger: [1, text],
    info: [2, info],
    host: [3, text],
    basePath: [4, text],
    schemes: [5, each(text)],
    consumes: [6, each(text)],
    produces: [7, each(text)],
    paths: [
      8,
      within((writer, value) => {
        named(pathItem, (name) => !isExtension(name))(writer, 2, value);
        extensions(writer, 1, value);
      }),
    ],
    definitions: [9, additional(schema)],
    parameters: [10, additional(parameter)],
    responses: [11, additional(response)],
    security: [12, each(securityRequirement)],
    securityDefinitions: [13, additional(securityDefinition)],
    externalDocs: [15, externalDocs],
  },
  16,
);
