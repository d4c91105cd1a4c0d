/** Names that are not the cluster's go to the resolvers that the node itself uses, one after the other. */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, isIP } from 'node:net';

export interface ForwardOptions {
  /** Addresses of resolvers, in order of preference; none: such names fail at once. */
  readonly upstreams: readonly string[];
  readonly upstreamTimeoutMs: number;
}

/** The first answer of an upstream, as it came; undefined when none answered. */
export async function forward(
  message: Uint8Array,
  overTcp: boolean,
  options: ForwardOptions,
): Promise<Uint8Array | undefined> {
  for (const address of options.upstreams) {
    const reply = await (overTcp ? askTcp : askUdp)(message, address, options.upstreamTimeoutMs).catch(() => undefined);
    if (reply) return reply;
  }
  return undefined;
}

/** The nameservers of a resolv.conf; '' of a missing file. Loopback ones are kept: the server runs on the node. */
export function nameserversOf(path = '/etc/resolv.conf'): string[] {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((m) => m[1]!).filter((a) => isIP(a) !== 0);
}

function askUdp(message: Uint8Array, address: string, timeoutMs: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const end = (settle: () => void) => {
      clearTimeout(timer);
      socket.close();
      settle();
    };
    const timer = setTimeout(
      () => end(() => reject(new Error(`${address} did not answer in ${timeoutMs} ms`))),
      timeoutMs,
    );
    socket.once('error', (error) => end(() => reject(error)));
    socket.on('message', (reply) => {
      // Only the reply to this question counts: same id, from where it was sent to (connected socket).
      if (reply[0] === message[0] && reply[1] === message[1]) end(() => resolve(reply));
    });
    socket.connect(53, address, () => socket.send(message));
  });
}

function askTcp(message: Uint8Array, address: string, timeoutMs: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port: 53, timeout: timeoutMs });
    let got = Buffer.alloc(0);
    socket.on('timeout', () => socket.destroy(new Error(`${address} did not answer in ${timeoutMs} ms`)));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${address} closed the connection without an answer`)));
    socket.on('connect', () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(message.byteLength);
      socket.write(Buffer.concat([length, message]));
    });
    socket.on('data', (chunk) => {
      got = Buffer.concat([got, chunk]);
      if (got.length < 2 || got.length < 2 + got.readUInt16BE(0)) return;
      resolve(got.subarray(2, 2 + got.readUInt16BE(0)));
      socket.destroy();
    });
  });
}
