/** Who a client certificate names, as Kubernetes reads them: the common name, and the organisations as groups. */
import type { TLSSocket } from 'node:tls';
import type { UserInfo } from '../../machinery/wire.ts';

/** Undefined: no certificate, or one that no CA of the server's has signed. */
export function certificateUser(socket: TLSSocket): UserInfo | undefined {
  if (!socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  if (!subject?.CN) return undefined;
  const organizations = subject.O as string | string[] | undefined;
  const groups = organizations === undefined ? [] : Array.isArray(organizations) ? organizations : [organizations];
  return { username: String(subject.CN), groups: [...groups, 'system:authenticated'] };
}
