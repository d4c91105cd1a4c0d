/**
 * Typed Go clients send bodies in protobuf and prefer answers in it. Handlers see the JSON that they would have sent
 * otherwise, so that nothing behind the chain has two forms to read; and what a handler answers in JSON (a Status, a
 * review, a Scale: all but stored objects, which have forms of their own) becomes protobuf here.
 */
import {
  isProtobufLoaded,
  jsonToProtobuf,
  loadProtobuf,
  protobufMediaType,
  protobufReader,
} from '../../apis/protobuf.ts';
import { encodeValue } from '../../machinery/codec/json.ts';
import { ProtobufError } from '../../machinery/codec/protobuf-reader.ts';
import { negotiate } from '../handlers/negotiate.ts';
import { newBadRequest } from '../../machinery/status/errors.ts';
import type { RequestContext } from '../request-context.ts';
import type { WireRequest, WireResponse } from '../../machinery/wire.ts';

/** What is proxied to a pod, a service or a node goes as it is. */
export function hasProtobufBody({ request, info }: Pick<RequestContext, 'request' | 'info'>): boolean {
  return (
    info.subresource !== 'proxy' &&
    request.body !== undefined &&
    (request.headers['content-type']?.startsWith(protobufMediaType) ?? false)
  );
}

/**
 * The request as its JSON would have been; unchanged when the body is of no kind that has a protobuf form (whoever answers
 * for custom or aggregated resources decides). Throws a StatusError 400 when the body is broken.
 */
export async function withJsonBody(request: WireRequest): Promise<WireRequest> {
  let read: Awaited<ReturnType<typeof protobufReader>>;
  let first: unknown;
  try {
    read = await protobufReader(request.body!);
    first = read?.();
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    throw newBadRequest(`the body of the request could not be decoded: ${error.message}`);
  }
  if (read === undefined) return request;
  const readAgain = read;
  let json: Uint8Array | undefined;
  // Requests of a listener have getters: the parts are named one by one.
  const { method, url, user, peerCertificate, remoteAddress, upgrade } = request;
  return {
    method,
    url,
    headers: { ...request.headers, 'content-type': 'application/json' },
    // Few read it as text: who sends it on.
    get body() {
      json ??= encodeValue(readAgain());
      return json;
    },
    readBody() {
      const value = first ?? readAgain();
      first = undefined;
      return value;
    },
    get signal() {
      return request.signal;
    },
    ...(user === undefined ? {} : { user }),
    ...(peerCertificate === undefined ? {} : { peerCertificate }),
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
    ...(upgrade === undefined ? {} : { upgrade }),
  };
}

/** Handlers may negotiate protobuf once this has resolved. */
export function acceptsProtobuf(request: WireRequest): boolean {
  return request.headers['accept']?.includes(protobufMediaType) ?? false;
}

export async function prepareProtobuf(): Promise<void> {
  if (!isProtobufLoaded()) await loadProtobuf();
}

/** The answer in protobuf, where the client prefers that, the answer is a JSON object, and its kind has such a form. */
export async function withProtobufAnswer(request: WireRequest, response: WireResponse): Promise<WireResponse> {
  if (response.kind !== 'bytes' || response.headers['content-type'] !== 'application/json') return response;
  if (response.body.length === 0 || !prefersProtobuf(request)) return response;
  const body = await jsonToProtobuf(response.body);
  if (body === undefined) return response;
  return { ...response, body, headers: { ...response.headers, 'content-type': protobufMediaType } };
}

function prefersProtobuf(request: WireRequest): boolean {
  try {
    return negotiate(request.headers['accept']).encoding === 'protobuf';
  } catch {
    return false;
  }
}
