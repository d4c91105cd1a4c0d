/** Questions to other name servers, by UDP and TCP. */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, isIP } from 'node:net';

/** Asks one server: `ADDRESS` or `ADDRESS:PORT` (IPv6 with a port in brackets). Rejects when it does not answer in time. */
export function askServer(
  message: Uint8Array,
  server: string,
  overTcp: boolean,
  timeoutMs: number,
): Promise<Uint8Array> {
  const { address, port } = serverAddress(server);
  return (overTcp ? askTcp : askUdp)(message, address, port, timeoutMs);
}

function serverAddress(text: string): { readonly address: string; readonly port: number } {
  const match = isIP(text) === 0 ? /^\[?([^\]]+)\]?:(\d+)$/.exec(text) : null;
  return match ? { address: match[1]!, port: Number(match[2]) } : { address: text, port: 53 };
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

function askUdp(message: Uint8Array, address: string, port: number, timeoutMs: number): Promise<Uint8Array> {
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
    socket.connect(port, address, () => socket.send(message));
  });
}

function askTcp(message: Uint8Array, address: string, port: number, timeoutMs: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, timeout: timeoutMs });
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
