/** A whole API server in memory, asked without a socket: for the tests of this folder. */
import { FakeClock } from '../base/fake-clock.ts';
import { SeededRandom } from '../base/random.ts';
import type { UserInfo, WireRequest, WireResponse } from '../machinery/wire.ts';
import { generateKey, keyToPem } from '../pki/certificate.ts';
import { JwtKeys } from '../pki/jwt-keys.ts';
import { createMemoryStore } from '../store/memory/memory-store.ts';
import { type ApiServerDependencies, type ApiServerOptions, createApiServer } from './server.ts';

export const admin: UserInfo = { username: 'admin', groups: ['system:masters'] };

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came back
  readonly json: any;
}

export async function testServer(options: ApiServerOptions = {}, more: Partial<ApiServerDependencies> = {}) {
  const clock = new FakeClock({ defer: setImmediate });
  const store = createMemoryStore({ clock });
  const errors: string[] = [];
  const pem = keyToPem(generateKey());
  const server = createApiServer(options, {
    store,
    clock,
    random: new SeededRandom(1),
    tokenKeys: new JwtKeys({ privateKey: () => pem }),
    onError: (error, what) => errors.push(`${what}: ${error}`),
    ...more,
  });
  await server.start();

  function raw(method: string, url: string, more: Partial<WireRequest> = {}): Promise<WireResponse> {
    return server.handler({ method, url, headers: {}, signal: new AbortController().signal, ...more });
  }

  /** `user`: undefined for nobody (anonymous, or whom headers prove). */
  async function call(
    method: string,
    url: string,
    { user, body, headers = {} }: { user?: UserInfo; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const response = await raw(method, url, {
      headers,
      ...(user ? { user } : {}),
      ...(body === undefined ? {} : { body: new TextEncoder().encode(JSON.stringify(body)) }),
    });
    if (response.kind !== 'bytes' && response.kind !== 'chunks') throw new Error(`${method} ${url}: ${response.kind}`);
    const parts: Uint8Array[] = [];
    if (response.kind === 'bytes') parts.push(response.body);
    else for await (const chunk of response.chunks) parts.push(chunk);
    const text = Buffer.concat(parts).toString();
    const isJson = String(response.headers['content-type']).startsWith('application/json');
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson && text !== '' ? JSON.parse(text) : undefined,
    };
  }
  return { server, store, clock, errors, raw, call };
}

export type TestServer = Awaited<ReturnType<typeof testServer>>;
