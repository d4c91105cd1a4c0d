/** Answers that are made on the spot: Status failures, JSON and text. */
import { newInternalError } from '../../machinery/status/errors.ts';
import { statusErrorOf } from '../../machinery/status/is.ts';
import type { StatusError } from '../../machinery/status/status.ts';
import type { WireHeaders, WireResponse } from '../../machinery/wire.ts';
import { messageOf } from '../../base/errors.ts';

const encoder = new TextEncoder();

type BytesResponse = Extract<WireResponse, { kind: 'bytes' }>;

/** Any failure as an answer. What is no StatusError becomes a 500 that names it. */
export function statusResponse(error: unknown): BytesResponse {
  const known: StatusError = statusErrorOf(error) ?? newInternalError(messageOf(error));
  const retryAfter = known.status.details?.retryAfterSeconds;
  return jsonResponse(known.code, known.status, retryAfter ? { 'retry-after': String(retryAfter) } : {});
}

export function jsonResponse(status: number, value: unknown, headers: WireHeaders = {}): BytesResponse {
  return {
    kind: 'bytes',
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: encoder.encode(`${JSON.stringify(value)}\n`),
  };
}

export function textResponse(status: number, text: string, headers: WireHeaders = {}): BytesResponse {
  return {
    kind: 'bytes',
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', ...headers },
    body: encoder.encode(text),
  };
}
