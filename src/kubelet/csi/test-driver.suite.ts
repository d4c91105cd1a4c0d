/** A CSI driver for tests: keeps the contract of the node service, counts its calls, and misbehaves when told to. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import grpc from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import registration from '../plugins/registration.json' with { type: 'json' };
import descriptor from './csi.json' with { type: 'json' };

type Answer = Record<string, unknown>;
/** The fields that the driver reads; decoding gives each of them a value. */
interface Request {
  readonly volumeId: string;
  readonly stagingTargetPath: string;
  readonly targetPath: string;
  readonly capacityRange: { readonly requiredBytes: number };
}
type Call = (request: Request) => Answer | Promise<Answer>;

export class GrpcError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface TestDriverOptions {
  readonly name: string;
  readonly capabilities?: readonly string[];
  readonly maxVolumesPerNode?: number;
  readonly topology?: Readonly<Record<string, string>>;
}

export class TestDriver {
  readonly #options: TestDriverOptions;
  readonly #server = new grpc.Server();
  /** `NodeStageVolume handle`, in order. */
  readonly calls: string[] = [];
  readonly requests: { readonly method: string; readonly request: Record<string, unknown> }[] = [];
  /** The next so many calls of a method fail with this code. */
  readonly failures = new Map<string, { code: number; times: number }>();
  /** Calls of a method wait for this. */
  readonly delays = new Map<string, Promise<void>>();
  readonly staged = new Map<string, string>();
  readonly published = new Map<string, string>();
  /** Requests that break the contract: what the kubelet must never do. */
  readonly broken: string[] = [];
  notified: { readonly pluginRegistered: boolean; readonly error: string }[] = [];

  constructor(options: TestDriverOptions) {
    this.#options = options;
  }

  /** Serves the node service at `csi.sock` of its directory, and registers by a socket in the kubelet's. */
  async start(directory: string, registrationDirectory: string): Promise<void> {
    mkdirSync(directory, { recursive: true });
    mkdirSync(registrationDirectory, { recursive: true });
    const endpoint = join(directory, 'csi.sock');
    this.#serve('csi.v1.Node', descriptor, this.#node());
    this.#serve('pluginregistration.Registration', registration, {
      GetInfo: () => ({ type: 'CSIPlugin', name: this.#options.name, endpoint, supportedVersions: ['1.0.0'] }),
      NotifyRegistrationStatus: (status) => {
        this.notified.push(status as unknown as (typeof this.notified)[number]);
        return {};
      },
    });
    await this.#bind(endpoint);
    await this.#bind(join(registrationDirectory, `${this.#options.name}-reg.sock`));
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  #bind(path: string): Promise<unknown> {
    return new Promise((resolve, reject) =>
      this.#server.bindAsync(`unix:${path}`, grpc.ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    );
  }

  #node(): Record<string, Call> {
    const { capabilities = ['STAGE_UNSTAGE_VOLUME'], maxVolumesPerNode = 0, topology } = this.#options;
    return {
      NodeGetInfo: () => ({
        nodeId: 'node-id',
        maxVolumesPerNode,
        ...(topology && { accessibleTopology: { segments: topology } }),
      }),
      NodeGetCapabilities: () => ({ capabilities: capabilities.map((type) => ({ rpc: { type } })) }),
      NodeStageVolume: ({ volumeId, stagingTargetPath }) => {
        if (!existsSync(stagingTargetPath))
          this.broken.push(`staging ${volumeId} at ${stagingTargetPath}, which is not`);
        const before = this.staged.get(volumeId);
        if (before !== undefined && before !== stagingTargetPath) this.broken.push(`staging ${volumeId} twice`);
        this.staged.set(volumeId, stagingTargetPath);
        return {};
      },
      NodeUnstageVolume: ({ volumeId, stagingTargetPath }) => {
        if ([...this.published.values()].includes(volumeId))
          this.broken.push(`unstaging ${volumeId}, which is published`);
        if (this.staged.get(volumeId) !== stagingTargetPath) this.broken.push(`unstaging ${volumeId} from elsewhere`);
        this.staged.delete(volumeId);
        return {};
      },
      NodePublishVolume: ({ volumeId, targetPath, stagingTargetPath }) => {
        if (!existsSync(dirname(targetPath))) this.broken.push(`publishing to ${targetPath} without its parent`);
        if (stagingTargetPath !== '' && !this.staged.has(volumeId)) this.broken.push(`publishing ${volumeId} unstaged`);
        mkdirSync(targetPath, { recursive: true });
        writeFileSync(join(targetPath, 'volume'), volumeId);
        this.published.set(targetPath, volumeId);
        return {};
      },
      NodeUnpublishVolume: ({ targetPath }) => {
        rmSync(targetPath, { recursive: true, force: true });
        this.published.delete(targetPath);
        return {};
      },
      NodeExpandVolume: ({ capacityRange }) => ({ capacityBytes: capacityRange.requiredBytes }),
    };
  }

  #serve(service: string, tables: unknown, calls: Record<string, Call>): void {
    const { methods } = protobuf.Root.fromJSON(tables as protobuf.INamespace).lookupService(service);
    const definition: Record<string, grpc.MethodDefinition<unknown, unknown>> = {};
    const handlers: grpc.UntypedServiceImplementation = {};
    for (const [name, method] of Object.entries(methods)) {
      method.resolve();
      const { resolvedRequestType: request, resolvedResponseType: response } = method;
      definition[name] = {
        path: `/${service}/${name}`,
        requestStream: false,
        responseStream: false,
        requestSerialize: () => Buffer.alloc(0),
        responseDeserialize: () => ({}),
        requestDeserialize: (bytes) =>
          request!.toObject(request!.decode(bytes), { longs: Number, enums: String, defaults: true }),
        responseSerialize: (value) => Buffer.from(response!.encode(response!.fromObject(value as object)).finish()),
      };
      handlers[name] = (call: grpc.ServerUnaryCall<Request, Answer>, answer: grpc.sendUnaryData<Answer>) => {
        this.#answer(name, call.request, calls[name]!).then(
          (value) => answer(null, value),
          (error: GrpcError) =>
            answer({ code: error.code ?? 13, details: error.message, name, message: error.message }),
        );
      };
    }
    this.#server.addService(definition, handlers);
  }

  async #answer(method: string, request: Request, call: Call): Promise<Answer> {
    this.calls.push(request.volumeId ? `${method} ${request.volumeId}` : method);
    this.requests.push({ method, request: { ...request } });
    await this.delays.get(method);
    const failure = this.failures.get(method);
    if (failure && failure.times-- > 0) throw new GrpcError(failure.code, `${method} fails as it was told to`);
    return call(request);
  }
}
