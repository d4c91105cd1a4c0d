import type { TLSSocket } from 'node:tls';
import { subjectNames } from '../../pki/certificate.ts';
import type { PeerCertificate } from './exchange.ts';

/** What a TLS connection says of its client. */
export interface Peer {
  /** Of a certificate that our client CA has signed. */
  readonly certificate: PeerCertificate | undefined;
  /** There is a certificate, but it does not verify. */
  readonly unverified: boolean;
}

export function connectionPeer(socket: TLSSocket): Peer {
  const raw = socket.getPeerX509Certificate?.()?.raw;
  if (raw === undefined) return { certificate: undefined, unverified: false };
  if (!socket.authorized) return { certificate: undefined, unverified: true };
  return { certificate: subjectNames(raw), unverified: false };
}
