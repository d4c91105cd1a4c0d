/**
 * Typed Go clients send bodies in protobuf (and take answers in JSON). Handlers see the JSON that they would have sent
 * otherwise, so that nothing behind the chain has two forms to read.
 */
import { protobufMediaType, protobufToJson } from '../../apis/protobuf.ts';
import { ProtobufError } from '../../machinery/codec/protobuf.ts';
import { newBadRequest } from '../../machinery/status/errors.ts';
import type { WireRequest } from '../../machinery/wire.ts';

export function hasProtobufBody(request: WireRequest): boolean {
  return request.body !== undefined && (request.headers['content-type']?.startsWith(protobufMediaType) ?? false);
}

/** Throws a StatusError 400 when the body is no such message, or of a kind without a protobuf form. */
export async function withJsonBody(request: WireRequest): Promise<WireRequest> {
  let body: Uint8Array;
  try {
    body = await protobufToJson(request.body!);
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    throw newBadRequest(`the body of the request could not be decoded: ${error.message}`);
  }
  // Requests of a listener have getters: the parts are named one by one.
  const { method, url, user, peerCertificate, remoteAddress, upgrade } = request;
  return {
    method,
    url,
    headers: { ...request.headers, 'content-type': 'application/json' },
    body,
    get signal() {
      return request.signal;
    },
    ...(user === undefined ? {} : { user }),
    ...(peerCertificate === undefined ? {} : { peerCertificate }),
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
    ...(upgrade === undefined ? {} : { upgrade }),
  };
}
