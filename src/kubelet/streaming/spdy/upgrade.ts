/** The HTTP upgrade toward a runtime's streaming URL. */
import { type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';

export interface Upgraded {
  readonly socket: Duplex;
  /** What came behind the 101 in the same packet. */
  readonly head: Buffer;
  readonly response: IncomingMessage;
}

/** An answer other than 101. */
export class UpgradeRefused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'UpgradeRefused';
    this.status = status;
  }
}

/** Longest body of a refusal that is worth keeping. */
const mostRefusalBytes = 4096;

/** POSTs with `Upgrade: SPDY/3.1`; the protocols are offered in order of preference. */
export function upgradeToSpdy(url: string, protocols: readonly string[], timeoutMs: number): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method: 'POST',
      headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': [...protocols] },
      timeout: timeoutMs,
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer in ${timeoutMs} ms`)));
    outgoing.on('error', (error) =>
      reject(new Error(`streaming through the runtime at ${new URL(url).host}: ${error.message}`, { cause: error })),
    );
    outgoing.on('upgrade', (response, socket, head) => {
      socket.setTimeout(0);
      resolve({ socket, head, response });
    });
    outgoing.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        if (body.length < mostRefusalBytes) body += text;
      });
      response.on('end', () =>
        reject(
          new UpgradeRefused(
            response.statusCode ?? 502,
            `the runtime refused to stream: ${response.statusCode} ${body.trim()}`,
          ),
        ),
      );
    });
    outgoing.end();
  });
}
