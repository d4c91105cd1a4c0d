import { GrpcChannel } from '../runtime/cri/channel.ts';
import descriptor from './csi.json' with { type: 'json' };

type Texts = Readonly<Record<string, string>>;

export interface NodeInfo {
  readonly nodeId: string;
  /** 0: no limit. */
  readonly maxVolumesPerNode: number;
  readonly accessibleTopology: { readonly segments: Texts } | null;
}

export interface VolumeCapability {
  readonly mount: {
    readonly fsType: string;
    readonly mountFlags: readonly string[];
    readonly volumeMountGroup: string;
  };
  readonly accessMode: { readonly mode: string };
}

export interface StageRequest {
  readonly volumeId: string;
  readonly publishContext: Texts;
  readonly stagingTargetPath: string;
  readonly volumeCapability: VolumeCapability;
  readonly secrets: Texts;
  readonly volumeContext: Texts;
}

export interface PublishRequest extends StageRequest {
  readonly targetPath: string;
  readonly readonly: boolean;
}

export type NodeCapability =
  | 'STAGE_UNSTAGE_VOLUME'
  | 'GET_VOLUME_STATS'
  | 'EXPAND_VOLUME'
  | 'SINGLE_NODE_MULTI_WRITER'
  | 'VOLUME_MOUNT_GROUP';

/** Upstream's csiTimeout: a driver that takes longer is asked again; it has to know the request then. */
const timeoutMs = 120_000;

/** The node service of one CSI driver, v1. The message table beside this file holds field numbers, and nothing else. */
export class CsiNodeClient {
  readonly #channel: GrpcChannel;
  #capabilities: ReadonlySet<string> | undefined;

  constructor(endpoint: string) {
    this.#channel = new GrpcChannel(`unix:${endpoint}`, descriptor);
  }

  info(): Promise<NodeInfo> {
    return this.#call('NodeGetInfo', {});
  }

  /** Asked once: a driver's abilities do not change while it runs. */
  async can(capability: NodeCapability): Promise<boolean> {
    if (this.#capabilities === undefined) {
      const { capabilities } = await this.#call<{ capabilities: { rpc: { type: string } | null }[] }>(
        'NodeGetCapabilities',
        {},
      );
      this.#capabilities = new Set(capabilities.map(({ rpc }) => rpc?.type ?? ''));
    }
    return this.#capabilities.has(capability);
  }

  async stage(request: StageRequest): Promise<void> {
    await this.#call('NodeStageVolume', request);
  }

  async unstage(volumeId: string, stagingTargetPath: string): Promise<void> {
    await this.#call('NodeUnstageVolume', { volumeId, stagingTargetPath });
  }

  async publish(request: PublishRequest): Promise<void> {
    await this.#call('NodePublishVolume', request);
  }

  async unpublish(volumeId: string, targetPath: string): Promise<void> {
    await this.#call('NodeUnpublishVolume', { volumeId, targetPath });
  }

  /** Returns the size that it has then, in bytes; 0 when the driver does not say. */
  async expand(request: {
    readonly volumeId: string;
    readonly volumePath: string;
    readonly stagingTargetPath: string;
    readonly requiredBytes: number;
    readonly volumeCapability: VolumeCapability;
    readonly secrets: Texts;
  }): Promise<number> {
    const { requiredBytes, ...rest } = request;
    const answer = await this.#call<{ capacityBytes: number }>('NodeExpandVolume', {
      ...rest,
      capacityRange: { requiredBytes },
    });
    return answer.capacityBytes;
  }

  close(): void {
    this.#channel.close();
  }

  #call<T>(method: string, request: object): Promise<T> {
    return this.#channel.unary('csi.v1.Node', method, request, { timeoutMs });
  }
}
