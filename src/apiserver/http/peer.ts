/** What a TLS connection says of its client, and who vouches for it. */
import { createHash, X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { subjectNames } from '../../pki/certificate.ts';
import type { PeerCertificate } from './exchange.ts';

export interface Peer {
  /** Of a certificate that our client CA has signed. */
  readonly certificate: PeerCertificate | undefined;
  /** Of a certificate that the CA of front proxies has signed: its common name. */
  readonly frontProxy: string | undefined;
  /** There is a certificate, but it does not verify. */
  readonly unverified: boolean;
}

/** The connection itself accepts what either has signed; this tells which. */
export interface PeerAuthorities {
  readonly clients: readonly X509Certificate[];
  readonly frontProxies: readonly X509Certificate[];
}

const blocks = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates of a bundle. */
export const bundleOf = (pem: string | undefined): X509Certificate[] =>
  (pem?.match(blocks) ?? []).map((block) => new X509Certificate(block));

export function connectionPeer(socket: TLSSocket, authorities: PeerAuthorities): Peer {
  const certificate = socket.getPeerX509Certificate?.();
  if (certificate === undefined) return { certificate: undefined, frontProxy: undefined, unverified: false };
  if (!socket.authorized) return { certificate: undefined, frontProxy: undefined, unverified: true };
  const { raw } = certificate;
  const names = subjectNames(raw);
  const isProxy = isSignedBy(certificate, authorities.frontProxies);
  const isClient = !isProxy || isSignedBy(certificate, authorities.clients);
  const credentialId = `X509SHA256=${createHash('sha256').update(raw).digest('hex')}`;
  return {
    certificate: isClient ? { ...names, credentialId } : undefined,
    frontProxy: isProxy ? names.commonName : undefined,
    unverified: false,
  };
}

/** Through those that the client has sent along, too: their chain holds, or the connection would not be authorized. */
function isSignedBy(certificate: X509Certificate, authorities: readonly X509Certificate[]): boolean {
  let link: X509Certificate | undefined = certificate;
  for (let depth = 0; link !== undefined && depth < 10; depth++) {
    const signed: X509Certificate = link;
    if (authorities.some((ca) => signed.checkIssued(ca) && signed.verify(ca.publicKey))) return true;
    link = signed.issuerCertificate;
  }
  return false;
}
