/**
 * The Lease by which each API server says that it is there (KEP-1965): kube-system/apiserver-HASH, renewed while it serves,
 * deleted when it stops, collected by the others when it could not.
 */
import type { Lease } from '../../apis/generated/types/coordination.k8s.io/v1.ts';
import { sleep } from '../../base/clock.ts';
import type { Clock } from '../../base/clock.ts';
import { type Random, randomUuid } from '../../base/random.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../machinery/status/is.ts';
import type { Lookup } from '../registry/registry.ts';
import type { Loopback } from './loopback.ts';

export interface IdentityLeaseOptions {
  readonly hostname: string;
  /** `host:port` at which other API servers reach this one. */
  readonly peerAddress: string;
}

export interface IdentityLeaseDependencies {
  readonly loopback: Loopback;
  readonly lookup: Lookup;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: (error: unknown) => void;
}

const at = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' };
const namespace = 'kube-system';
const identityLabel = 'apiserver.kubernetes.io/identity';
const durationSeconds = 3600;
const renewMs = 10_000;
const collectMs = 3_600_000;

/** `apiserver-` and, in base 32, the first 16 bytes of the SHA-256 of host name and component, each after its length. */
export async function apiServerId(hostname: string): Promise<string> {
  const parts = [hostname, 'kube-apiserver'].flatMap((text) => {
    const bytes = new TextEncoder().encode(text);
    return [bytes.length >> 8, bytes.length & 255, ...bytes];
  });
  const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(parts));
  return `apiserver-${base32(new Uint8Array(digest).subarray(0, 16))}`;
}

/** Ends with the signal; the Lease is gone then. */
export async function keepIdentityLease(
  options: IdentityLeaseOptions,
  deps: IdentityLeaseDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { loopback, clock, random, onError } = deps;
  const name = await apiServerId(options.hostname);
  const holderIdentity = `${name}_${randomUuid(random)}`;
  // One that an earlier process has left names a holder that is no more.
  await remove(name, deps);
  let collectedMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    try {
      await renew(name, holderIdentity, options, deps);
      if (clock.monotonicMs() - collectedMs >= collectMs) {
        collectedMs = clock.monotonicMs();
        await collectExpired(deps);
      }
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error) && !isNotFound(error)) onError(error);
    }
    await sleep(clock, renewMs, signal, 'apiserver: identity lease').catch(() => {});
  }
  if (loopback.get(at, namespace, name) !== undefined) await remove(name, deps);
}

async function renew(
  name: string,
  holderIdentity: string,
  { hostname, peerAddress }: IdentityLeaseOptions,
  { loopback, clock }: IdentityLeaseDependencies,
): Promise<void> {
  const stored = loopback.get<Lease & KubeObject>(at, namespace, name);
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    ...stored,
    metadata: {
      ...stored?.metadata,
      name,
      namespace,
      labels: { ...stored?.metadata.labels, [identityLabel]: 'kube-apiserver', 'kubernetes.io/hostname': hostname },
      annotations: { ...stored?.metadata.annotations, 'kubernetes.io/peer-advertise-address': peerAddress },
    },
    spec: {
      ...stored?.spec,
      holderIdentity,
      leaseDurationSeconds: durationSeconds,
      renewTime: `${new Date(clock.now()).toISOString().slice(0, -1)}000Z`,
    },
  } as KubeObject;
  await (stored === undefined ? loopback.create(at, lease) : loopback.update(at, lease));
}

async function collectExpired(deps: IdentityLeaseDependencies): Promise<void> {
  const leases = deps.lookup.list<Lease & KubeObject>(at.group, at.resource, namespace);
  for (const { metadata, spec } of leases) {
    if (metadata.labels?.[identityLabel] !== 'kube-apiserver') continue;
    const renewedMs = spec?.renewTime ? Date.parse(String(spec.renewTime)) : undefined;
    const expired = renewedMs === undefined || renewedMs + (spec?.leaseDurationSeconds ?? 0) * 1000 < deps.clock.now();
    if (expired) await remove(metadata.name!, deps);
  }
}

async function remove(name: string, { loopback, onError }: IdentityLeaseDependencies): Promise<void> {
  if (loopback.get(at, namespace, name) === undefined) return;
  try {
    await loopback.delete(at, namespace, name);
  } catch (error) {
    if (!isNotFound(error)) onError(error);
  }
}

const digits = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648, lower case, no padding. */
function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += digits[(held >> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + digits[(held << (5 - bits)) & 31] : text;
}
