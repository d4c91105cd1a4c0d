/** The server's calls to itself: straight to the registry, as system:apiserver, past authorisation. */
import type { Clock } from '../../base/clock.ts';
import { encodeValue, decodeText } from '../../machinery/codec/json.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { UserInfo, WireResponse } from '../../machinery/wire.ts';
import { type Status, StatusError } from '../../machinery/status/status.ts';
import { ChainContext } from '../filters/context.ts';
import type { Registry } from '../registry/registry.ts';

const apiServerUser: UserInfo = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

export interface LoopbackResource {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

export class Loopback {
  readonly #registry: Registry;
  readonly #clock: Clock;
  /** Calls last as long as their answer; nobody goes away. */
  readonly #signal = new AbortController().signal;

  constructor(registry: Registry, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
  }

  get<T extends KubeObject>(at: LoopbackResource, namespace: string, name: string): T | undefined {
    return this.#registry.lookup.get<T>(at.group, at.resource, namespace, name);
  }

  /** Throws the StatusError of a refusal. */
  create(at: LoopbackResource, object: KubeObject): Promise<void> {
    return this.#call('POST', path(at, object.metadata.namespace), object);
  }

  update(at: LoopbackResource, object: KubeObject, subresource = ''): Promise<void> {
    const { namespace, name = '' } = object.metadata;
    const tail = subresource === '' ? '' : `/${subresource}`;
    return this.#call('PUT', `${path(at, namespace)}/${encodeURIComponent(name)}${tail}`, object);
  }

  /** Server-side apply, as `manager`, over whatever others say. */
  apply(at: LoopbackResource, object: KubeObject, subresource: string, manager: string): Promise<void> {
    const { namespace, name = '' } = object.metadata;
    const tail = subresource === '' ? '' : `/${subresource}`;
    const url = `${path(at, namespace)}/${encodeURIComponent(name)}${tail}?fieldManager=${manager}&force=true`;
    return this.#call('PATCH', url, object, 'application/apply-patch+yaml');
  }

  delete(at: LoopbackResource, namespace: string | undefined, name: string): Promise<void> {
    return this.#call('DELETE', `${path(at, namespace)}/${encodeURIComponent(name)}`, undefined);
  }

  /** All of a namespace (cluster scope when it is undefined). */
  deleteCollection(at: LoopbackResource, namespace: string | undefined): Promise<void> {
    return this.#call('DELETE', path(at, namespace), undefined);
  }

  async #call(
    method: string,
    url: string,
    body: KubeObject | undefined,
    contentType = 'application/json',
  ): Promise<void> {
    const request = {
      method,
      url,
      headers: { 'content-type': contentType, 'user-agent': 'kube-apiserver' },
      ...(body === undefined ? {} : { body: encodeValue(body) }),
      signal: this.#signal,
    };
    const response = await this.#registry.handle(new ChainContext(request, this.#clock.now(), apiServerUser));
    throwFailure(response, `${method} ${url}`);
  }
}

function path({ group, version, resource }: LoopbackResource, namespace: string | undefined): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespace ? `${root}/namespaces/${namespace}/${resource}` : `${root}/${resource}`;
}

function throwFailure(response: WireResponse, what: string): void {
  // A long list of what was deleted comes in chunks.
  if (response.kind === 'chunks' && response.status < 300) return;
  if (response.kind !== 'bytes') throw new Error(`${what}: answered with ${response.kind}, want bytes`);
  if (response.status >= 300) throw new StatusError(JSON.parse(decodeText(response.body)) as Status);
}
