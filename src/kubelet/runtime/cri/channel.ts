import grpc from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { RuntimeError } from '../runtime.ts';

/** How answers look as plain objects: every field present, enums by name, int64 as numbers. */
const plain: protobuf.IConversionOptions = { longs: Number, enums: String, defaults: true };

interface Method {
  readonly path: string;
  readonly serialize: (value: object) => Buffer;
  readonly deserialize: (bytes: Buffer) => unknown;
}

export interface CallOptions {
  /** 0: none. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Plain gRPC, with messages from a protobufjs JSON descriptor instead of generated code. Connecting is
 * lazy, and begins anew after a break: the runtime may restart under us.
 */
export class GrpcChannel {
  readonly #client: grpc.Client;
  readonly #root: protobuf.Root;
  readonly #metadata: grpc.Metadata;
  readonly #methods = new Map<string, Method>();

  /** `target` as gRPC names it: `unix:/path`, `dns:///host:port`. */
  constructor(target: string, descriptor: unknown, headers: Readonly<Record<string, string>> = {}) {
    this.#root = protobuf.Root.fromJSON(descriptor as protobuf.INamespace);
    this.#metadata = new grpc.Metadata();
    for (const [name, value] of Object.entries(headers)) this.#metadata.set(name, value);
    this.#client = new grpc.Client(target, grpc.credentials.createInsecure(), {
      // Lists of images and pods outgrow the default of 4 MB; upstream allows 16 MB.
      'grpc.max_receive_message_length': 16 << 20,
      'grpc.max_send_message_length': 16 << 20,
      // A restarted runtime is back within 0.2 s: the default first back-off of 1 s would add to every pod.
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.min_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 1000,
      // Two channels to one socket in a process must not share state.
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  /** `service` is the full name: `runtime.v1.RuntimeService`. Rejects with RuntimeError. */
  unary<T>(service: string, name: string, request: object, options: CallOptions): Promise<T> {
    const method = this.#method(service, name);
    return new Promise((resolve, reject) => {
      if (options.signal?.aborted) {
        reject(options.signal.reason);
        return;
      }
      const onAbort = () => call.cancel();
      const call = this.#client.makeUnaryRequest(
        method.path,
        method.serialize,
        method.deserialize,
        request,
        this.#metadata,
        options.timeoutMs > 0 ? { deadline: new Date(Date.now() + options.timeoutMs) } : {},
        (error: grpc.ServiceError | null, value?: unknown) => {
          options.signal?.removeEventListener('abort', onAbort);
          if (options.signal?.aborted) reject(options.signal.reason);
          else if (error) reject(new RuntimeError(name, error.code, error.details || error.message, { cause: error }));
          else resolve(value as T);
        },
      );
      options.signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** A server stream; ends when the server ends it or the signal is aborted, rejects when it breaks. */
  async *stream<T>(service: string, name: string, request: object, signal: AbortSignal): AsyncGenerator<T> {
    if (signal.aborted) return;
    const method = this.#method(service, name);
    const call = this.#client.makeServerStreamRequest(
      method.path,
      method.serialize,
      method.deserialize,
      request,
      this.#metadata,
    );
    const onAbort = () => call.cancel();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      for await (const message of call) yield message as T;
    } catch (error) {
      if (signal.aborted) return;
      const { code, details } = error as grpc.ServiceError;
      throw new RuntimeError(name, code ?? 2, details ?? String(error), { cause: error });
    } finally {
      signal.removeEventListener('abort', onAbort);
      call.cancel();
    }
  }

  /** Decodes a message that travels inside another one (google.protobuf.Any). */
  decode<T>(type: string, bytes: Uint8Array): T {
    const message = this.#root.lookupType(type);
    return message.toObject(message.decode(bytes), plain) as T;
  }

  close(): void {
    this.#client.close();
  }

  #method(service: string, name: string): Method {
    const key = `${service}/${name}`;
    const known = this.#methods.get(key);
    if (known) return known;
    const definition = this.#root.lookupService(service).methods[name];
    if (!definition) throw new Error(`calling ${key}: no such method in the descriptor`);
    definition.resolve();
    const request = definition.resolvedRequestType!;
    const response = definition.resolvedResponseType!;
    const method: Method = {
      path: `/${key}`,
      serialize: (value) => Buffer.from(request.encode(request.fromObject(value)).finish()),
      deserialize: (bytes) => response.toObject(response.decode(bytes), plain),
    };
    this.#methods.set(key, method);
    return method;
  }
}
