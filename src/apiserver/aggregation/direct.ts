/**
 * Answers of aggregated servers for callers in this process, who have no connection that could be joined to another: the
 * call is made for them.
 */
import { messageOf } from '../../base/errors.ts';
import { newServiceUnavailable } from '../../machinery/status/errors.ts';
import type { ProxyTarget, WireHeaders, WireRequest, WireResponse } from '../../machinery/wire.ts';
import { statusResponse } from '../filters/status-response.ts';
import type { Outbound, OutboundAnswer } from '../outbound/outbound.ts';

export async function fetchTarget(
  target: ProxyTarget,
  request: WireRequest,
  outbound: Outbound,
): Promise<WireResponse> {
  let answer: OutboundAnswer;
  try {
    answer = await outbound({
      ...target,
      headers: target.headers as Record<string, string>,
      identity: 'frontProxy',
      signal: request.signal,
    });
  } catch (error) {
    return statusResponse(newServiceUnavailable(`error trying to reach service: ${messageOf(error)}`));
  }
  const { status, headers, chunks } = answer;
  return { kind: 'chunks', status, headers: endToEnd(headers), chunks: asAsync(chunks) };
}

const hopByHop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length']);

const endToEnd = (headers: WireHeaders): WireHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !hopByHop.has(name)));

async function* asAsync(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
