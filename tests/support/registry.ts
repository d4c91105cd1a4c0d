import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type OciBlobs, type OciImage, ociBlobs } from '../../src/kubelet/images/archive.ts';

/** A registry that can only be pulled from (OCI distribution-spec v1), on a free port. */
export class TestRegistry {
  /** `GET /v2/...`, in order. */
  readonly requests: string[] = [];
  /** Manifests that were asked for and are not there, by repository and reference, in order. */
  readonly missing: string[] = [];
  readonly #server: Server;
  readonly #images = new Map<string, OciBlobs>();
  /** `user:password` that clients must show; undefined: none. */
  credentials: string | undefined;

  constructor() {
    this.#server = createServer((request, response) => {
      this.requests.push(`${request.method} ${request.url}`);
      const end = (status: number, headers: Record<string, string> = {}, body: Buffer = Buffer.alloc(0)) => {
        response.writeHead(status, { 'content-length': String(body.length), ...headers });
        response.end(request.method === 'HEAD' ? undefined : body);
      };
      const wanted = this.credentials && `Basic ${Buffer.from(this.credentials).toString('base64')}`;
      if (wanted && request.headers.authorization !== wanted)
        return end(401, { 'www-authenticate': 'Basic realm="test"' });
      const path = (request.url ?? '').split('?')[0]!;
      if (/^\/v2\/?$/.test(path)) return end(200);
      const [, repository = '', kind, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(path) ?? [];
      const images = [...this.#images].filter(([name]) => name.startsWith(`${repository}:`)).map(([, blobs]) => blobs);
      const tagged = kind === 'manifests' ? this.#images.get(`${repository}:${reference}`) : undefined;
      const image = tagged ?? images.find(({ blobs }) => blobs.has(reference));
      const body = tagged?.manifest ?? image?.blobs.get(reference);
      if (!image || !body) {
        if (kind === 'manifests') this.missing.push(`${repository}:${reference}`);
        return end(404);
      }
      const type = kind === 'manifests' ? 'application/vnd.oci.image.manifest.v1+json' : 'application/octet-stream';
      const digest = [...image.blobs].find(([, bytes]) => bytes === body)![0];
      end(200, { 'content-type': type, 'docker-content-digest': digest }, body);
    });
  }

  /** Rejects when the address cannot be had. */
  async start(address = '127.0.0.1'): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(0, address, resolve);
    });
  }

  /** `10.0.0.1:40123` */
  get host(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `${address}:${port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Takes an image in under `test/app:v1`; returns its full name. */
  add(name: string, image: OciImage): string {
    this.#images.set(name, ociBlobs(image));
    return `${this.host}/${name}`;
  }
}
