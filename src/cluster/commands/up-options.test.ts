import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addUpOptions, upOptionsOf } from './up-options.ts';

function parse(...args: string[]) {
  const command = addUpOptions(new Command('up'))
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  command.parse(args, { from: 'user' });
  return upOptionsOf(command);
}

function withConfig(text: string, ...args: string[]) {
  const dir = mkdtempSync(join(tmpdir(), 'skiff-config-'));
  try {
    writeFileSync(join(dir, 'c.yaml'), text);
    return parse('--config', join(dir, 'c.yaml'), ...args);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

describe('upOptionsOf', () => {
  it('has the defaults of the contract', () => {
    expect(parse()).toMatchObject({
      runtime: 'containerd',
      nodes: 1,
      store: 'lmdb',
      securePort: 6443,
      podNetworkCidr: '10.244.0.0/16',
      loadBalancerPool: undefined,
      routeMode: 'host',
      dnsStubDomain: [],
      serviceCidr: '10.96.0.0/12',
      loadImage: [],
      detach: false,
      output: 'text',
      verbosity: 0,
    });
  });

  it('takes values of the file where the command line is silent', () => {
    const options = withConfig(
      'nodes: 3\nruntime: hollow\nload-image: [/a.tar, /b.tar]\ndetach: true\n',
      '--nodes',
      '2',
    );
    expect(options).toMatchObject({ nodes: 2, runtime: 'hollow', loadImage: ['/a.tar', '/b.tar'], detach: true });
  });

  it.each([
    [['--nodes', '0'], /whole number from 1 to 5000/],
    [['--runtime', 'docker'], /Allowed choices are containerd, hollow/],
    [['--pod-network-cidr', '10.244.0.0'], /IPv4 network such as 10.244.0.0\/16/],
    [['--node-ip', 'here'], /IP address/],
    [['--secure-port', '70000'], /0 to 65535/],
    [['--nodse', '2'], /unknown option '--nodse'/],
    [['--etcd-servers', 'http://127.0.0.1:2379'], /--etcd-servers goes with --store etcd/],
    [['--pod-network-cidr', '10.97.0.0/16'], /--pod-network-cidr 10\.97\.0\.0\/16 and --service-cidr .* overlap/],
  ])('refuses %j', (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });

  it.each([
    ['nodes: many\n', /nodes is 'many'; want a whole number/],
    ['runtime: docker\n', /runtime is 'docker'; want one of containerd, hollow/],
    ['colour: red\n', /'colour' is no flag of 'skiff up'/],
    ['- a\n', /want a mapping/],
    ['a: b: c\n', /--config .*c.yaml/],
  ])('refuses the file %j', (text, message) => {
    expect(() => withConfig(text)).toThrow(message);
  });
});
