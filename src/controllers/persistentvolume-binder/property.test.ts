/** Claims and volumes in any number, written to with old caches and killed between any two writes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim } from '../../apis/generated/types/core/v1.ts';
import {
  boundClaim,
  boundVolume,
  type Claim,
  isBindCompleted,
  keyOfReference,
  unboundVolume,
  type Volume,
  withStatus,
} from '../../apis/core/volume-binding/binding.ts';
import { planClaim } from './plan-claim.ts';
import { planVolume } from './plan-volume.ts';

/** Optimistic concurrency, as the server has it. */
class Table<T extends PersistentVolume | PersistentVolumeClaim> {
  readonly live = new Map<string, T>();
  /** What the controller sees: as old as the last `refresh`. */
  cached = new Map<string, T>();
  #revision = 0;

  put(key: string, object: T): T {
    const written = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#revision) } };
    this.live.set(key, written);
    return written;
  }

  update(key: string, object: T): T {
    if (this.live.get(key)?.metadata.resourceVersion !== object.metadata.resourceVersion) throw conflict;
    return this.put(key, object);
  }

  refresh(): void {
    this.cached = new Map(this.live);
  }
}

const conflict = new Error('conflict');
const killed = new Error('killed');

class World {
  readonly claims = new Table<PersistentVolumeClaim>();
  readonly volumes = new Table<PersistentVolume>();
  /** Writes until the controller is killed. */
  writesLeft = Number.POSITIVE_INFINITY;
  #uid = 0;

  createClaim(name: string, size: number): void {
    if (this.claims.live.has(`ns/${name}`)) return;
    this.claims.put(`ns/${name}`, {
      metadata: { namespace: 'ns', name, uid: `uid-${++this.#uid}` },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: `${size}Gi` } } },
      status: { phase: 'Pending' },
    });
  }

  createVolume(name: string, size: number, claimRef: { namespace: string; name: string } | undefined): void {
    if (this.volumes.live.has(name)) return;
    this.volumes.put(name, {
      metadata: { name },
      spec: {
        accessModes: ['ReadWriteOnce'],
        capacity: { storage: `${size}Gi` },
        persistentVolumeReclaimPolicy: 'Retain',
        ...(claimRef ? { claimRef } : {}),
      },
      status: { phase: 'Pending' },
    });
  }

  #write<T>(write: () => T): T {
    if (this.writesLeft-- <= 0) throw killed;
    return write();
  }

  run(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (error !== conflict && error !== killed) throw error;
    }
    this.check();
  }

  syncClaim(key: string): void {
    const claim: Claim | undefined = this.claims.cached.get(key);
    if (!claim) return;
    const plan = planClaim({
      claim,
      volumes: [...this.volumes.cached.values()],
      volume: (name) => this.volumes.cached.get(name),
      storageClass: () => undefined,
      defaultClass: undefined,
      waitingPods: [],
    });
    if (plan.kind === 'lose') {
      const lost = withStatus(claim, 'Lost');
      if (lost) this.#write(() => this.claims.update(key, lost));
    }
    if (plan.kind !== 'bind') return;
    const name = plan.volume.metadata.name!;
    const bound = boundVolume(plan.volume, claim);
    const taken = bound ? this.#write(() => this.volumes.update(name, bound)) : plan.volume;
    const phased = this.#phase(taken, 'Bound');
    const completed = boundClaim(claim, phased);
    const follows = completed ? this.#write(() => this.claims.update(key, completed)) : claim;
    const told = withStatus(follows, 'Bound', phased);
    if (told) this.#write(() => this.claims.update(key, told));
  }

  syncVolume(name: string): void {
    const volume: Volume | undefined = this.volumes.cached.get(name);
    if (!volume) return;
    const reference = volume.spec?.claimRef;
    const live = reference ? this.claims.live.get(keyOfReference(reference)) : undefined;
    const plan = planVolume(volume, live?.metadata.uid === reference?.uid ? live : undefined);
    if (plan.kind === 'phase') this.#phase(volume, plan.phase);
    if (plan.kind === 'release') this.#phase(volume, 'Released');
    if (plan.kind !== 'unbind') return;
    const free = this.#write(() => this.volumes.update(name, unboundVolume(volume)));
    this.#phase(free, 'Available');
  }

  #phase(volume: Volume, phase: string): Volume {
    if (volume.status?.phase === phase) return volume;
    const next = { ...(volume as PersistentVolume), status: { phase } };
    return this.#write(() => this.volumes.update(volume.metadata.name!, next));
  }

  /** At any time: no two claims that are bound name one volume, and whoever is bound, its volume names it. */
  check(): void {
    const owners = new Map<string, string>();
    for (const claim of this.claims.live.values()) {
      if (!isBindCompleted(claim)) continue;
      const name = claim.spec!.volumeName!;
      expect(owners.get(name)).toBeUndefined();
      owners.set(name, claim.metadata.uid!);
      expect(this.volumes.live.get(name)?.spec?.claimRef?.uid).toBe(claim.metadata.uid);
    }
  }
}

const names = ['a', 'b', 'c', 'd'];
const name = fc.constantFrom(...names);
const size = fc.integer({ min: 1, max: 4 });
const step = fc.oneof(
  fc.record({ kind: fc.constant('claim' as const), name, size }),
  fc.record({ kind: fc.constant('volume' as const), name, size, reservedFor: fc.option(name) }),
  fc.record({ kind: fc.constant('deleteClaim' as const), name }),
  fc.record({ kind: fc.constant('syncClaim' as const), name, writes: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ kind: fc.constant('syncVolume' as const), name, writes: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ kind: fc.constant('refreshClaims' as const) }),
  fc.record({ kind: fc.constant('refreshVolumes' as const) }),
);

test('never are two claims bound to one volume, and all that can be bound is, in the end', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const world = new World();
      for (const s of steps) {
        world.writesLeft = 'writes' in s ? s.writes : 0;
        if (s.kind === 'claim') world.createClaim(s.name, s.size);
        if (s.kind === 'volume')
          world.createVolume(s.name, s.size, s.reservedFor ? { namespace: 'ns', name: s.reservedFor } : undefined);
        if (s.kind === 'deleteClaim') world.claims.live.delete(`ns/${s.name}`);
        if (s.kind === 'refreshClaims') world.claims.refresh();
        if (s.kind === 'refreshVolumes') world.volumes.refresh();
        if (s.kind === 'syncClaim') world.run(() => world.syncClaim(`ns/${s.name}`));
        if (s.kind === 'syncVolume') world.run(() => world.syncVolume(s.name));
      }
      world.writesLeft = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 8; round++)
        for (const n of names) {
          for (const table of [world.claims, world.volumes]) table.refresh();
          world.run(() => world.syncVolume(n));
          for (const table of [world.claims, world.volumes]) table.refresh();
          world.run(() => world.syncClaim(`ns/${n}`));
        }
      const free = [...world.volumes.live.values()].filter((v) => !v.spec?.claimRef && v.status?.phase === 'Available');
      const largest = Math.max(0, ...free.map((v) => Number.parseInt(v.spec!.capacity!['storage']!, 10)));
      for (const claim of world.claims.live.values()) {
        const { phase } = claim.status!;
        expect(['Bound', 'Pending']).toContain(phase);
        expect(phase === 'Bound').toBe(isBindCompleted(claim));
        if (phase === 'Pending')
          expect(Number.parseInt(claim.spec!.resources!.requests!['storage']!, 10)).toBeGreaterThan(largest);
      }
      for (const volume of world.volumes.live.values()) {
        const uid = volume.spec?.claimRef?.uid;
        const owner = [...world.claims.live.values()].find((c) => c.metadata.uid === uid);
        expect(volume.status?.phase).toBe(uid === undefined ? 'Available' : owner ? 'Bound' : 'Released');
      }
    }),
    { numRuns: 500 },
  );
});
