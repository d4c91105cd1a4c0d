import { describe, expect, it } from 'vitest';
import { allocatable, type Reservations } from './allocatable.ts';

const gibibyte = 1024 ** 3;
const all = { cpuMilli: 4000, memoryBytes: 8 * gibibyte, ephemeralStorageBytes: 100 * gibibyte };

describe('allocatable (checklist 7)', () => {
  const cases: readonly (readonly [string, Reservations, object])[] = [
    ['nothing', {}, all],
    [
      'reservations and hard eviction',
      {
        kubeReserved: { cpu: '200m', memory: '1Gi', 'ephemeral-storage': '10Gi' },
        systemReserved: { cpu: '0.3', memory: '512Mi' },
        evictionHard: { 'memory.available': '512Mi', 'nodefs.available': '25%', 'imagefs.available': '50%' },
      },
      { cpuMilli: 3500, memoryBytes: 6 * gibibyte, ephemeralStorageBytes: 65 * gibibyte },
    ],
  ];
  it.each(cases)('is capacity less %s', (_, reserved, expected) => {
    expect(allocatable(all, reserved)).toEqual(expected);
  });

  it('refuses to keep more than there is', () => {
    expect(() => allocatable(all, { kubeReserved: { cpu: '5' } })).toThrow(
      'kubeReserved, systemReserved and evictionHard keep 5000 of cpuMilli, but the node has 4000',
    );
  });
});
