import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type OciBlobs, type OciImage, ociBlobs } from '../../src/kubelet/images/archive.ts';

/** A registry that can only be pulled from (OCI distribution-spec v1), on a free port of the loopback address. */
export class TestRegistry {
  /** `GET /v2/...`, in order. */
  readonly requests: string[] = [];
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
      const image = [...this.#images].find(([name]) => name.startsWith(`${repository}:`))?.[1];
      const tagged = kind === 'manifests' ? this.#images.get(`${repository}:${reference}`) : undefined;
      const body = tagged?.manifest ?? image?.blobs.get(reference);
      if (!body) return end(404);
      const type = kind === 'manifests' ? 'application/vnd.oci.image.manifest.v1+json' : 'application/octet-stream';
      const digest = [...(tagged ?? image!).blobs].find(([, bytes]) => bytes === body)![0];
      end(200, { 'content-type': type, 'docker-content-digest': digest }, body);
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Takes an image in under `test/app:v1`; returns its full name. */
  add(name: string, image: OciImage): string {
    this.#images.set(name, ociBlobs(image));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}/${name}`;
  }
}
