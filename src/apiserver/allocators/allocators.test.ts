import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Service, ServiceSpec } from '../../apis/generated/types/core/v1.ts';
import { SeededRandom } from '../../base/random.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { Lookup } from '../registry/registry.ts';
import { ClusterIpPool } from './cluster-ips.ts';
import { NumberPool } from './pool.ts';
import { ServiceAllocator } from './services.ts';

test('the static band is given out last', () => {
  const pool = new NumberPool(10, 4, new SeededRandom(1));
  const order = Array.from({ length: 10 }, () => pool.allocateNext('o')!);
  expect([...order.slice(0, 6)].sort()).toEqual([4, 5, 6, 7, 8, 9]);
  expect([...order.slice(6)].sort()).toEqual([0, 1, 2, 3]);
  expect(pool.allocateNext('o')).toBeUndefined();
});

test('a number has one owner at a time', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('take', 'free', 'next'), fc.nat(9), fc.constantFrom('a', 'b'))),
      (steps) => {
        const pool = new NumberPool(8, 2, new SeededRandom(7));
        const model = new Map<number, string>();
        for (const [what, number, owner] of steps) {
          if (what === 'take') {
            const error = pool.allocate(number, owner);
            const holder = model.get(number);
            expect(error).toBe(
              number >= 8 ? 'outOfRange' : holder !== undefined && holder !== owner ? 'taken' : undefined,
            );
            if (error === undefined) model.set(number, owner);
          } else if (what === 'free') {
            pool.release(number, owner);
            if (model.get(number) === owner) model.delete(number);
          } else {
            const next = pool.allocateNext(owner);
            expect(next === undefined).toBe(model.size === 8);
            if (next !== undefined) {
              expect(model.has(next)).toBe(false);
              model.set(next, owner);
            }
          }
          expect(pool.used).toBe(model.size);
        }
      },
    ),
  );
});

test('addresses: neither the first nor the last of the range', () => {
  const ips = new ClusterIpPool('10.0.0.0/30', new SeededRandom(1));
  expect(ips.allocate('10.0.0.0', 'o')).toContain('not in the valid range');
  expect(ips.allocate('10.0.0.3', 'o')).toContain('The range of valid IPs is 10.0.0.0/30');
  expect([ips.allocateNext('o'), ips.allocateNext('o')].sort()).toEqual(['10.0.0.1', '10.0.0.2']);
  expect(ips.allocateNext('o')).toBeUndefined();
  expect(ips.allocate('10.0.0.1', 'p')).toBe('provided IP is already allocated');
});

/** A store of Services as far as the allocator sees one. */
type Listener = (service: Service | undefined, old: Service | undefined) => void;

class FakeLookup implements Lookup {
  readonly services = new Map<string, Service>();
  #listener: Listener | undefined;
  get<T extends KubeObject>(): T | undefined {
    return undefined;
  }
  list<T extends KubeObject>(): readonly T[] {
    return [...this.services.values()] as unknown as T[];
  }
  subscribe<T extends KubeObject>(
    _group: string,
    _resource: string,
    onChange: (o: T | undefined, old: T | undefined) => void,
  ): () => void {
    this.#listener = onChange as unknown as Listener;
    return () => {
      this.#listener = undefined;
    };
  }
  set(uid: string, service: Service | undefined): void {
    const old = this.services.get(uid);
    if (service) this.services.set(uid, service);
    else this.services.delete(uid);
    this.#listener?.(service, old);
  }
}

const make = (uid: string, spec: ServiceSpec): Service => ({
  metadata: { name: uid, namespace: 'ns', uid },
  spec: { type: 'ClusterIP', ...spec },
});
const options = { context: undefined as never, dryRun: false, subresource: '' };

describe('services', () => {
  const start = (existing: Service[] = [], serviceCidr = '10.96.0.0/12') => {
    const lookup = new FakeLookup();
    for (const service of existing) lookup.services.set(service.metadata.uid!, service);
    const allocator = new ServiceAllocator({ serviceCidr }, new SeededRandom(3));
    allocator.attach(lookup);
    return { lookup, allocator };
  };

  test('nothing is given before it is known what is taken', () => {
    const allocator = new ServiceAllocator({ serviceCidr: '10.96.0.0/12' }, new SeededRandom(3));
    expect(() => allocator.beforeCreate(make('a', {}), options)).toThrow('not known yet');
  });

  test('an address, a family and a policy', () => {
    const { allocator } = start();
    const service = make('a', { selector: { a: 'b' } });
    allocator.beforeCreate(service, options);
    expect(service.spec).toMatchObject({ ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
    expect(service.spec!.clusterIP).toMatch(/^10\.(9[6-9]|1[01]\d)\./);
    expect(service.spec!.clusterIPs).toEqual([service.spec!.clusterIP]);
  });

  test.each<[string, ServiceSpec, ServiceSpec]>([
    ['ExternalName', { type: 'ExternalName' }, { type: 'ExternalName' }],
    [
      'headless with a selector',
      { clusterIP: 'None', clusterIPs: ['None'], selector: { a: 'b' } },
      { clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' },
    ],
    [
      'headless without',
      { clusterIP: 'None', clusterIPs: ['None'] },
      { clusterIP: 'None', ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' },
    ],
    [
      'asked for',
      { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1'] },
      { clusterIP: '10.96.0.1', ipFamilies: ['IPv4'] },
    ],
  ])('%s', (_, spec, expected) => {
    const { allocator } = start();
    const service = make('a', spec);
    allocator.beforeCreate(service, options);
    expect(service.spec).toMatchObject(expected);
    if (spec.type === 'ExternalName') expect(service.spec!.clusterIP).toBeUndefined();
  });

  test.each<[string, ServiceSpec, string]>([
    [
      'taken',
      { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'] },
      'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated',
    ],
    [
      'outside',
      { clusterIP: '192.168.0.1', clusterIPs: ['192.168.0.1'] },
      'failed to allocate IP 192.168.0.1: provided IP is not in the valid range. The range of valid IPs is 10.96.0.0/12',
    ],
    ['dual stack', { ipFamilyPolicy: 'RequireDualStack' }, 'this cluster is not configured for dual-stack services'],
    ['IPv6', { ipFamilies: ['IPv6'] }, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
    [
      'node port taken',
      { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] },
      'spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
    ],
    [
      'node port outside',
      { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] },
      'provided port is not in the valid range. The range of valid ports is 30000-32767',
    ],
  ])('refuses: %s', (_, spec, message) => {
    const { allocator } = start([
      make('a', { clusterIP: '10.96.0.10', type: 'NodePort', ports: [{ port: 1, nodePort: 30080 }] }),
    ]);
    expect(() => allocator.beforeCreate(make('b', spec), options)).toThrow(message);
  });

  test('what was refused or undone is free again', () => {
    const { allocator } = start([], '10.0.0.0/30');
    const bad = make('a', { type: 'NodePort', ports: [{ port: 1, nodePort: 1 }] });
    expect(() => allocator.beforeCreate(bad, options)).toThrow();
    const first = make('b', { type: 'NodePort', ports: [{ port: 1, nodePort: 30001 }] });
    (allocator.beforeCreate(first, options) as () => void)();
    allocator.beforeCreate(make('c', { type: 'NodePort', ports: [{ port: 1, nodePort: 30001 }] }), options);
    allocator.beforeCreate(make('d', {}), { ...options, dryRun: true });
    allocator.beforeCreate(make('e', {}), options);
    expect(() => allocator.beforeCreate(make('f', {}), options)).toThrow('range is full');
  });

  test('one node port for both protocols of a port', () => {
    const { allocator } = start();
    const dns = make('a', {
      type: 'NodePort',
      ports: [
        { port: 53, protocol: 'UDP' },
        { port: 53, protocol: 'TCP' },
        { port: 80, protocol: 'TCP' },
      ],
    });
    allocator.beforeCreate(dns, options);
    const [udp, tcp, http] = dns.spec!.ports!.map((p) => p.nodePort);
    expect(udp).toBe(tcp);
    expect(http).not.toBe(tcp);
  });

  test('a port dropped by an update is free when the update was seen, not before', () => {
    const { allocator, lookup } = start();
    const old = make('a', { type: 'NodePort', ports: [{ port: 1, nodePort: 30001 }] });
    allocator.beforeCreate(old, options);
    lookup.set('a', old);
    const changed = structuredClone(old);
    changed.spec!.ports = [{ port: 1, nodePort: 30002 }];
    allocator.beforeUpdate(changed, old, options);
    const other = () => make('b', { type: 'NodePort', ports: [{ port: 1, nodePort: 30001 }] });
    expect(() => allocator.beforeCreate(other(), options)).toThrow('already allocated');
    lookup.set('a', changed);
    allocator.beforeCreate(other(), options);
    expect(changed.spec!.clusterIP).toBe(old.spec!.clusterIP);
  });

  test('a deleted Service gives all back, once, and never what its successor holds', () => {
    const { allocator, lookup } = start();
    const first = make('a', { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'] });
    allocator.beforeCreate(first, options);
    lookup.set('a', first);
    allocator.afterDelete(first);
    const second = make('b', { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'] });
    allocator.beforeCreate(second, options);
    lookup.set('a', undefined);
    const third = make('c', { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'] });
    expect(() => allocator.beforeCreate(third, options)).toThrow('already allocated');
  });
});
