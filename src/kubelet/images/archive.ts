import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

/** A file, directory (name ends in "/") or symbolic link of a layer. Names are relative and below 100 bytes (ustar). */
export interface ArchiveEntry {
  readonly name: string;
  readonly data?: Uint8Array;
  /** Makes it a symbolic link. */
  readonly link?: string;
  /** Default 0755. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** The part of an OCI image's configuration that containers inherit. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
  readonly User?: string;
  readonly StopSignal?: string;
}

const block = 512;

/** A POSIX ustar archive; reproducible, for times are all zero. */
export function tar(entries: readonly ArchiveEntry[]): Buffer {
  const parts: Buffer[] = [];
  for (const entry of entries) {
    const data = Buffer.from(entry.data ?? []);
    parts.push(tarHeader(entry, data.length), data);
    if (data.length % block !== 0) parts.push(Buffer.alloc(block - (data.length % block)));
  }
  parts.push(Buffer.alloc(2 * block));
  return Buffer.concat(parts);
}

function tarHeader(entry: ArchiveEntry, size: number): Buffer {
  if (Buffer.byteLength(entry.name) > 100)
    throw new Error(`writing an archive: name '${entry.name}' is longer than 100 bytes`);
  const header = Buffer.alloc(block);
  const octal = (value: number, offset: number, digits: number) =>
    header.write(`${value.toString(8).padStart(digits, '0')}\0`, offset, 'latin1');
  const type = entry.link !== undefined ? '2' : entry.name.endsWith('/') ? '5' : '0';
  header.write(entry.name, 0, 100);
  octal(entry.mode ?? 0o755, 100, 7);
  octal(entry.uid ?? 0, 108, 7);
  octal(entry.gid ?? 0, 116, 7);
  octal(size, 124, 11);
  octal(0, 136, 11);
  header.write('        ', 148);
  header.write(type, 156);
  header.write(entry.link ?? '', 157, 100);
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

export interface OciImage {
  /** `docker.io/library/busybox:1.36`: full, as containerd stores names. */
  readonly name: string;
  readonly layer: readonly ArchiveEntry[];
  /** Layers below it, the lowest first, which images may have in common. */
  readonly below?: readonly PackedLayer[];
  readonly config: ImageConfig;
  /** OCI's name of the architecture; default: this machine's. */
  readonly architecture?: string;
}

/** A layer as registries hold it. */
export interface PackedLayer {
  /** Of the archive before it was packed. */
  readonly diffId: string;
  readonly digest: string;
  /** A gzipped tar archive. */
  readonly bytes: Buffer;
}

export function packLayer(archive: Uint8Array): PackedLayer {
  const bytes = gzipSync(archive, { level: 6 });
  return { diffId: digest(archive), digest: digest(bytes), bytes };
}

/** What an image is made of: documents and layers that name each other by their digests. */
export interface OciBlobs {
  readonly manifest: Buffer;
  /** By digest: the manifest, the configuration, the packed layers. */
  readonly blobs: ReadonlyMap<string, Buffer>;
}

/** The parts of an image (OCI image-spec v1). */
export function ociBlobs(image: OciImage): OciBlobs {
  const architecture = image.architecture ?? ociArchitecture();
  const own = image.layer.length > 0 || !image.below?.length ? [packLayer(tar(image.layer))] : [];
  const layers = [...(image.below ?? []), ...own];
  const config = json({
    architecture,
    os: 'linux',
    config: image.config,
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: `${media}.manifest.v1+json`,
    config: describe(config, `${media}.config.v1+json`),
    layers: layers.map(({ bytes }) => describe(bytes, `${media}.layer.v1.tar+gzip`)),
  });
  const documents = [config, manifest].map((bytes) => [digest(bytes), bytes] as const);
  return { manifest, blobs: new Map([...layers.map((layer) => [layer.digest, layer.bytes] as const), ...documents]) };
}

/** An image as an OCI image-layout archive, which `loadImage` imports. No builder needed. */
export function ociArchive(image: OciImage): Buffer {
  const architecture = image.architecture ?? ociArchitecture();
  const { manifest, blobs } = ociBlobs(image);
  const index = json({
    schemaVersion: 2,
    mediaType: `${media}.index.v1+json`,
    manifests: [
      {
        ...describe(manifest, `${media}.manifest.v1+json`),
        platform: { architecture, os: 'linux' },
        annotations: {
          'io.containerd.image.name': image.name,
          'org.opencontainers.image.ref.name': image.name.slice(image.name.lastIndexOf(':') + 1),
        },
      },
    ],
  });
  const file = (name: string, data: Buffer): ArchiveEntry => ({ name, data, mode: 0o644 });
  return tar([
    file('oci-layout', json({ imageLayoutVersion: '1.0.0' })),
    file('index.json', index),
    { name: 'blobs/' },
    { name: 'blobs/sha256/' },
    ...[...blobs].map(([name, data]) => file(`blobs/sha256/${name.slice('sha256:'.length)}`, data)),
  ]);
}

/** `amd64`, `arm64` ... of this machine. */
export function ociArchitecture(arch: string = process.arch): string {
  return arch === 'x64' ? 'amd64' : arch;
}

const media = 'application/vnd.oci.image';

function describe(bytes: Buffer, mediaType: string) {
  return { mediaType, digest: digest(bytes), size: bytes.length };
}

function digest(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
