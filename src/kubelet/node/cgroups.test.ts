import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type CgroupDriver, cgroupHierarchies, cgroupVersion, chooseCgroupDriver } from './cgroups.ts';

it('the version is found out by what is mounted (checklist 6)', () => {
  const mount = mkdtempSync(join(tmpdir(), 'skiff-cgroup-'));
  for (const name of ['memory', 'unified']) mkdirSync(join(mount, name));
  expect(cgroupVersion(mount)).toBe(1);
  expect(cgroupHierarchies(mount).sort()).toEqual([join(mount, 'memory'), join(mount, 'unified')]);
  writeFileSync(join(mount, 'cgroup.controllers'), 'cpu memory');
  expect(cgroupVersion(mount)).toBe(2);
  expect(cgroupHierarchies(mount)).toEqual([mount]);
  rmSync(mount, { recursive: true });
});

it.each<[CgroupDriver | undefined, CgroupDriver | undefined, CgroupDriver, CgroupDriver]>([
  ['cgroupfs', 'systemd', 'systemd', 'cgroupfs'],
  ['systemd', 'cgroupfs', 'cgroupfs', 'systemd'],
  [undefined, 'cgroupfs', 'systemd', 'cgroupfs'],
  [undefined, undefined, 'systemd', 'systemd'],
  [undefined, undefined, 'cgroupfs', 'cgroupfs'],
])('runtime %s, configuration %s, host %s: %s (checklist 6)', (runtime, configured, host, driver) => {
  expect(chooseCgroupDriver({ runtime, configured, host, hasSystemd: true })).toBe(driver);
});

it('a driver that cannot work here is an error that says what to set (checklist 6)', () => {
  const facts = { configured: undefined, host: 'cgroupfs', hasSystemd: false } as const;
  expect(() => chooseCgroupDriver({ ...facts, runtime: 'systemd' })).toThrow(
    'cgroup driver systemd: the container runtime is set to it, but systemd does not run here; set cgroupfs in the kubelet',
  );
  expect(() => chooseCgroupDriver({ ...facts, runtime: undefined, configured: 'systemd' })).toThrow(
    'the configuration asks for it',
  );
});
