import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ociArchive, ociBlobs, packLayer, tar } from './archive.ts';
import { pauseProgram } from './pause.ts';

const root = mkdtempSync(join(tmpdir(), 'skiff-archive-'));
afterAll(() => rmSync(root, { recursive: true }));

it('archives are what tar reads', () => {
  const bytes = tar([
    { name: 'dir/', mode: 0o700 },
    { name: 'dir/file', data: Buffer.from('x'.repeat(513)), mode: 0o640 },
    { name: 'dir/link', link: 'file' },
  ]);
  execFileSync('tar', ['-x', '--no-same-owner', '-C', root], { input: bytes });
  expect(readFileSync(join(root, 'dir/file'), 'utf8')).toBe('x'.repeat(513));
  expect(statSync(join(root, 'dir/file')).mode & 0o777).toBe(0o640);
  expect(readlinkSync(join(root, 'dir/link'))).toBe('file');
  expect(() => tar([{ name: 'x'.repeat(101) }])).toThrow('longer than 100 bytes');
});

it('images are the same for the same input, and name their blobs by their digests', () => {
  const image = {
    name: 'docker.io/library/x:1',
    layer: [{ name: 'a', data: Buffer.from('1') }],
    config: { Cmd: ['a'] },
  };
  const bytes = ociArchive(image);
  expect(ociArchive(image).equals(bytes)).toBe(true);
  const directory = mkdtempSync(join(root, 'oci-'));
  execFileSync('tar', ['-x', '--no-same-owner', '-C', directory], { input: bytes });
  const index = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8'));
  expect(index.manifests[0].annotations['io.containerd.image.name']).toBe('docker.io/library/x:1');
  for (const name of readdirSync(join(directory, 'blobs/sha256'))) {
    const sum = execFileSync('sha256sum', [join(directory, 'blobs/sha256', name)], { encoding: 'utf8' });
    expect(sum.slice(0, 64)).toBe(name);
  }
});

it('images share the layers below their own', () => {
  const below = [packLayer(tar([{ name: 'base', data: Buffer.from('1') }]))];
  const blobsOf = (name: string) =>
    ociBlobs({ name, below, layer: [{ name, data: Buffer.from(name) }], config: { Cmd: [name] } });
  const [a, b] = [blobsOf('a'), blobsOf('b')];
  const layers = JSON.parse(a.manifest.toString()).layers.map((layer: { digest: string }) => layer.digest);
  expect(layers).toEqual([below[0]!.digest, expect.stringMatching(/^sha256:/)]);
  expect([...a.blobs.keys()].filter((digest) => b.blobs.has(digest))).toEqual([below[0]!.digest]);
  expect(ociBlobs({ name: 'c', below, layer: [], config: {} }).blobs.size).toBe(3);
});

it.runIf(process.platform === 'linux' && process.arch === 'x64')(
  'the pause program runs until it is told to end',
  () => {
    const path = join(root, 'pause');
    writeFileSync(path, pauseProgram());
    chmodSync(path, 0o755);
    // `timeout` sends SIGTERM; the program then ends by itself, with 0, which --preserve-status passes on.
    execFileSync('timeout', ['--preserve-status', '--kill-after=2', '0.2', path]);
  },
);
