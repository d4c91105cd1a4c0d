/** Failures of connections in the words of Go's net and crypto/tls packages, which users and their tools know. */
import { messageOf } from '../../base/errors.ts';

const errnoTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
};

const verificationTexts: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'x509: certificate has expired or is not yet valid',
  CERT_NOT_YET_VALID: 'x509: certificate has expired or is not yet valid',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'x509: certificate signed by unknown authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'x509: certificate signed by unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'x509: certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'x509: certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'x509: certificate signed by unknown authority',
  CERT_SIGNATURE_FAILURE: 'x509: certificate signed by unknown authority',
};

export function goNetworkError(
  error: unknown,
  to: { readonly url: string; readonly serverName?: string; readonly connectTo?: { host: string; port: number } },
): Error {
  return new Error(text(error, to), { cause: error });
}

function text(error: unknown, to: Parameters<typeof goNetworkError>[1]): string {
  const { code, syscall, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code === undefined) return messageOf(error);
  const url = new URL(to.url);
  const verification = verificationTexts[code];
  if (verification !== undefined) return `tls: failed to verify certificate: ${verification}`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match ${to.serverName ?? url.hostname}`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `dial tcp: lookup ${to.connectTo?.host ?? url.hostname}: no such host`;
  const what = errnoTexts[code];
  if (what === undefined) return messageOf(error);
  if (syscall === 'connect')
    return `dial tcp ${address ?? to.connectTo?.host ?? url.hostname}:${port ?? to.connectTo?.port ?? (url.port || 443)}: connect: ${what}`;
  return code === 'ECONNRESET' && messageOf(error) === 'socket hang up' ? 'EOF' : `read: ${what}`;
}
