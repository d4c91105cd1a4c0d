/** Hands claims that want to grow to the resizer of their driver. */
import type { PersistentVolume, PersistentVolumeClaim } from '../../apis/generated/types/core/v1.ts';
import { done, type Outcome, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import { requestOf } from '../../apis/core/volume-binding/binding.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { KeyedController } from '../common/keyed-controller.ts';
import { persistentVolumeClaims, persistentVolumes } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { planExpand } from './plan.ts';

const storageResizer = 'volume.kubernetes.io/storage-resizer';

export const volumeExpanderController: ControllerDescriptor = {
  name: 'persistentvolume-expander-controller',
  alias: 'persistentvolume-expander',
  serviceAccount: 'expand-controller',
  create: (context) => new VolumeExpanderController(context),
};

class VolumeExpanderController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #loop: KeyedController;
  readonly #claims: Informer<PersistentVolumeClaim>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#recorder = context.recorder('volume_expand');
    this.#loop = new KeyedController(context, {
      name: volumeExpanderController.name,
      queueName: 'volume_expand',
      workers: 10,
      reconcile: (key) => this.#sync(key),
    });
    this.#claims = this.#loop.follows<PersistentVolumeClaim>(persistentVolumeClaims, {
      on: ['add', 'update'],
      changed: (old, claim) => requestOf(claim).compare(requestOf(old)) > 0,
      keys: ({ metadata, status }) => (status?.phase === 'Bound' ? [`${metadata.namespace}/${metadata.name}`] : []),
    });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #sync(key: string): Promise<Outcome> {
    const claim = this.#claims.get(key);
    if (!claim?.spec?.volumeName) return done;
    const { client } = this.#context;
    try {
      const volume = await client.resource<PersistentVolume>(persistentVolumes).get(claim.spec.volumeName);
      const plan = planExpand(claim, volume);
      switch (plan.kind) {
        case 'nothing':
          return done;
        case 'unbound':
          return retry(new Error(plan.message));
        case 'external': {
          this.#recorder.event(claim, 'Normal', 'ExternalExpanding', plan.message);
          const { annotations } = claim.metadata;
          if (plan.resizer === undefined || annotations?.[storageResizer] === plan.resizer) return done;
          await client
            .resource<PersistentVolumeClaim>(persistentVolumeClaims)
            .namespace(claim.metadata.namespace)
            .patch(
              claim.metadata.name!,
              'merge',
              { metadata: { annotations: { [storageResizer]: plan.resizer } } },
              // What the controller may write of a claim; its metadata goes along.
              { subresource: 'status' },
            );
          return done;
        }
      }
    } catch (error) {
      return isNotFound(error) ? done : retry(error);
    }
  }
}
