import { describe, expect, it } from 'vitest';
import { defaultEvictionHard, withDefaults } from '../kubelet/config/defaults.ts';
import type { KubeletConfiguration } from '../kubelet/config/kubelet-configuration.ts';
import { validateKubeletConfiguration } from '../kubelet/config/validate.ts';
import { parseThresholds } from '../kubelet/eviction/thresholds.ts';
import { checkKubeletConfiguration, nodeConfiguration, readKubeletConfiguration } from './kubelet-configuration.ts';

const dns = { clusterDNS: ['10.96.0.10'], clusterDomain: 'cluster.local' };
const inForce = (given: KubeletConfiguration) => withDefaults(nodeConfiguration(given, dns));
const hardSignals = (given: KubeletConfiguration) =>
  parseThresholds({ evictionHard: inForce(given).evictionHard }).map(({ signal }) => signal);

describe('nodeConfiguration', () => {
  it('evicts nobody and removes no image because of the disk, and is valid', () => {
    const config = inForce({});
    expect(config).toMatchObject({ ...dns, imageGCHighThresholdPercent: 100, failCgroupV1: false });
    expect(hardSignals({})).toEqual(['memory.available']);
    expect(validateKubeletConfiguration(config)).toEqual([]);
  });

  it.each<[string, KubeletConfiguration, object]>([
    ['thresholds, all of them', { evictionHard: { 'nodefs.available': '3%' } }, { 'nodefs.available': '3%' }],
    [
      "thresholds over upstream's",
      { evictionHard: { 'nodefs.available': '3%' }, mergeDefaultEvictionSettings: true },
      { ...defaultEvictionHard, 'nodefs.available': '3%' },
    ],
  ])('is told otherwise by the file: %s', (_, given, evictionHard) => {
    expect(inForce(given).evictionHard).toEqual(evictionHard);
  });

  it('is told otherwise by the file: images, DNS, cgroups', () => {
    const given = { imageGCHighThresholdPercent: 90, clusterDNS: ['10.0.0.1'], failCgroupV1: true };
    expect(inForce(given)).toMatchObject({ ...given, clusterDomain: 'cluster.local' });
  });

  it("leaves a kubelet alone with upstream's defaults", () => {
    const config = checkKubeletConfiguration('--config', { failCgroupV1: false });
    expect(config).toMatchObject({ evictionHard: defaultEvictionHard, imageGCHighThresholdPercent: 85 });
  });
});

describe('files of configuration', () => {
  it('names the flag and the file that cannot be read', () => {
    expect(readKubeletConfiguration('--kubelet-config', undefined)).toEqual({});
    expect(() => readKubeletConfiguration('--kubelet-config', '/nowhere/k.yaml')).toThrow(
      /--kubelet-config.*\/nowhere\/k.yaml/,
    );
  });

  it('says what is wrong with a value', () => {
    expect(() => checkKubeletConfiguration('--kubelet-config', nodeConfiguration({ maxPods: -1 }, dns))).toThrow(
      /maxPods/,
    );
  });
});
