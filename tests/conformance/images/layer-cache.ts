import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PackedLayer, packLayer } from '../../../src/kubelet/images/archive.ts';

/** Layers that take long to make, by what they are made from, in a directory outside the checkout. */
export class LayerCache {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** `inputs` must hold everything that decides what the layer is; `make` gives its tar archive. */
  get(inputs: readonly (string | Uint8Array)[], make: () => Uint8Array): PackedLayer {
    const hash = createHash('sha256');
    for (const input of inputs) hash.update(input).update('\0');
    const file = join(this.#directory, `${hash.digest('hex')}.tar.gz`);
    const facts = `${file}.json`;
    if (existsSync(facts)) {
      const { diffId, digest } = JSON.parse(readFileSync(facts, 'utf8')) as { diffId: string; digest: string };
      return { diffId, digest, bytes: readFileSync(file) };
    }
    const layer = packLayer(make());
    mkdirSync(this.#directory, { recursive: true });
    writeWhole(file, layer.bytes);
    // Last: a layer whose facts are there is there whole.
    writeWhole(facts, JSON.stringify({ diffId: layer.diffId, digest: layer.digest }));
    return layer;
  }
}

function writeWhole(file: string, data: string | Uint8Array): void {
  const part = `${file}.${process.pid}`;
  writeFileSync(part, data);
  renameSync(part, file);
}
