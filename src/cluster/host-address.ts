/** The host's own address, as a node would report it. */
import { networkInterfaces } from 'node:os';
import { runCommand } from '../base/node/command.ts';

/** The source address of the default route, else the first address that is not loopback; undefined when there is none. */
export async function hostAddress(): Promise<string | undefined> {
  const byRoute = await runCommand('ip', ['-j', '-4', 'route', 'show', 'default']).then(
    (text) => (JSON.parse(text || '[]') as { readonly prefsrc?: string; readonly dev?: string }[])[0],
    () => undefined,
  );
  if (byRoute?.prefsrc) return byRoute.prefsrc;
  const interfaces = Object.entries(networkInterfaces());
  const candidates = [...interfaces.filter(([name]) => name === byRoute?.dev), ...interfaces];
  for (const [name, addresses] of candidates) {
    // Bridges of clusters are no address of the host.
    if (/^(skiff-|cni|docker|veth|virbr)/.test(name)) continue;
    const found = addresses?.find((a) => a.family === 'IPv4' && !a.internal);
    if (found) return found.address;
  }
  return undefined;
}
