import { ageColumn, column, nameColumn, none } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { Endpoints } from '../../generated/types/core/v1.ts';

/** Enough to see that there are some. */
const maxShown = 3;

/** `ip:port` for each port of each ready address; the first few, and how many more. */
function endpointsText(endpoints: Endpoints): string {
  const all: string[] = [];
  for (const subset of endpoints.subsets ?? []) {
    const addresses = subset.addresses ?? [];
    if (!subset.ports?.length) for (const address of addresses) all.push(address.ip);
    for (const port of subset.ports ?? [])
      for (const address of addresses) all.push(joinHostPort(address.ip, port.port));
  }
  if (all.length === 0) return none;
  const head = all.slice(0, maxShown).join(',');
  return all.length > maxShown ? `${head} + ${all.length - maxShown} more...` : head;
}

const joinHostPort = (host: string, port: number) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

export const endpoints = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  applyDefaults(object) {
    for (const subset of object.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP';
  },
  strategy: { allowCreateOnUpdate: true },
  columns: [
    nameColumn,
    column<Endpoints>('Endpoints', endpointsText, { description: 'Ready addresses with their ports.' }),
    ageColumn,
  ],
});
