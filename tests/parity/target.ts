import { request as httpsRequest, Agent } from 'node:https';
import type { Handler } from '../../src/machinery/wire.ts';

/** One HTTP request of a scenario. `{ns}` anywhere in it stands for the scenario's own namespace. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  /** Sent as JSON, unless it is a text already. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

/** An API server that scenarios are played against. */
export interface ApiTarget {
  readonly name: string;
  request(request: ApiRequest): Promise<ApiAnswer>;
  close(): Promise<void>;
}

export interface HttpsTargetOptions {
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly token?: string;
  readonly certPem?: string;
  readonly keyPem?: string;
}

/** Over a socket, as any client: upstream's server, or ours. */
export function httpsTarget(name: string, options: HttpsTargetOptions, onClose: () => Promise<void>): ApiTarget {
  const { ca, certPem, keyPem } = options;
  const agent = new Agent({ keepAlive: true, ca, ...(certPem && { cert: certPem, key: keyPem }) });
  return {
    name,
    request: (request) =>
      new Promise((resolve, reject) => {
        const { body, headers } = wire(request, options.token);
        const outgoing = httpsRequest(`${options.server}${request.path}`, { method: request.method, headers, agent });
        outgoing.on('error', reject).on('response', (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
          incoming.on('end', () =>
            resolve({
              status: incoming.statusCode!,
              headers: incoming.headers,
              text: Buffer.concat(chunks).toString(),
            }),
          );
        });
        outgoing.end(body);
      }),
    async close() {
      agent.destroy();
      await onClose();
    },
  };
}

/** Our server called as a function. */
export function directTarget(handler: Handler, token: string, onClose: () => Promise<void>): ApiTarget {
  return {
    name: 'direct',
    async request(request) {
      const { body, headers } = wire(request, token);
      const signal = new AbortController().signal;
      const answer = await handler({
        method: request.method,
        url: request.path,
        headers,
        signal,
        ...(body === undefined ? {} : { body: Buffer.from(body) }),
      });
      const parts: Uint8Array[] = [];
      if (answer.kind === 'bytes') parts.push(answer.body);
      else if (answer.kind === 'chunks') for await (const chunk of answer.chunks) parts.push(chunk);
      else if (answer.kind === 'watch')
        for await (const batch of answer.frames) for (const { bytes } of batch) parts.push(bytes);
      else throw new Error(`${request.method} ${request.path}: a proxied request has no answer without a listener`);
      return { status: answer.status, headers: answer.headers, text: Buffer.concat(parts).toString() };
    },
    close: onClose,
  };
}

function wire({ body, headers }: ApiRequest, token: string | undefined) {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  return {
    body: text,
    headers: {
      accept: 'application/json',
      'user-agent': 'parity/1',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': `${Buffer.byteLength(text)}` }),
      ...headers,
    },
  };
}
