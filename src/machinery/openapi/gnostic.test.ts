import { expect, test } from 'vitest';
import { gnosticDocument, gnosticInSlices } from './gnostic.ts';

/** Fields of a message as [number, value]: bytes as latin-1 text. */
function fieldsOf(bytes: Uint8Array): [number, string | number][] {
  const found: [number, string | number][] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    if ((tag & 7) === 0) found.push([tag >>> 3, varint()]);
    else {
      const length = varint();
      found.push([tag >>> 3, Buffer.from(bytes.subarray(at, at + length)).toString('latin1')]);
      at += length;
    }
  }
  return found;
}
const inner = (value: string | number | undefined) => fieldsOf(Buffer.from(String(value), 'latin1'));

test('a document is written by the numbers of its messages, in the order it is in', () => {
  const document = {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: 'v1.36' },
    paths: {
      '/b': {
        get: { operationId: 'readB', deprecated: true, responses: { 200: { description: 'OK' } }, 'x-a': 'list' },
      },
      '/a': { parameters: [{ name: 'name', in: 'path', type: 'string', required: true, uniqueItems: true }] },
    },
    definitions: { Pod: { type: 'object', properties: { spec: { $ref: '#/definitions/Spec' } }, required: ['spec'] } },
  };
  const fields = fieldsOf(gnosticDocument(document));
  expect(fields.map(([number]) => number)).toEqual([1, 2, 8, 9]);
  expect(fields[0]).toEqual([1, '2.0']);
  const [b, a] = inner(fields[2]?.[1]);
  expect(inner(b?.[1])[0]).toEqual([1, '/b']);
  expect(inner(a?.[1])[0]).toEqual([1, '/a']);
  const get = inner(inner(inner(b?.[1])[1]?.[1])[0]?.[1]);
  expect(get.map(([number]) => number)).toEqual([5, 9, 11, 13]);
  expect(inner(get[3]?.[1])).toEqual([
    [1, 'x-a'],
    [2, '\x12\x07"list"\n'],
  ]);
  // item, parameter, non-body parameter, of a path
  let parameter = inner(inner(inner(a?.[1])[1]?.[1])[0]?.[1]);
  for (const number of [1, 2, 4]) {
    expect(parameter[0]?.[0]).toBe(number);
    parameter = inner(parameter[0]?.[1]);
  }
  expect(parameter).toEqual([
    [1, 1],
    [2, 'path'],
    [4, 'name'],
    [5, 'string'],
    [19, 1],
  ]);
  const pod = inner(inner(inner(fields[3]?.[1])[0]?.[1])[1]?.[1]);
  expect(pod.map(([number]) => number)).toEqual([19, 22, 25]);
});

test('in slices it is the same document, with a turn for others between them', async () => {
  const names = (prefix: string) => Array.from({ length: 120 }, (_, i) => `${prefix}${i}`);
  const document = {
    swagger: '2.0',
    info: { title: 't', version: 'v1' },
    paths: Object.fromEntries(names('/p').map((name) => [name, { get: { operationId: name } }])),
    definitions: Object.fromEntries(names('d').map((name) => [name, { type: 'object', description: name }])),
  };
  let turns = 0;
  const sliced = await gnosticInSlices(document, async () => void turns++);
  expect(sliced).toEqual(gnosticDocument(document));
  expect(turns).toBe(6);
  const { paths: _, ...pathless } = document;
  expect(await gnosticInSlices(pathless, async () => {})).toEqual(gnosticDocument(pathless));
});
