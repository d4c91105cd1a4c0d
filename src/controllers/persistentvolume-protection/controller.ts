/** Keeps volumes that are bound to a claim from being deleted under it. */
import type { PersistentVolume } from '../../apis/generated/types/core/v1.ts';
import { done, type Outcome, retry } from '../../client/controller.ts';
import type { Informer } from '../../client/informer.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { KeyedController } from '../common/keyed-controller.ts';
import { planProtection, withProtection } from '../common/protection.ts';
import { persistentVolumes } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';

const finalizer = 'kubernetes.io/pv-protection';

export const volumeProtectionController: ControllerDescriptor = {
  name: 'persistentvolume-protection-controller',
  alias: 'pv-protection',
  serviceAccount: 'pv-protection-controller',
  create: (context) => new VolumeProtectionController(context),
};

class VolumeProtectionController implements RunningController {
  readonly #context: ControllerContext;
  readonly #loop: KeyedController;
  readonly #volumes: Informer<PersistentVolume>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#loop = new KeyedController(context, {
      name: volumeProtectionController.name,
      queueName: 'pvprotection',
      workers: 1,
      reconcile: (key) => this.#sync(key),
    });
    this.#volumes = this.#loop.follows<PersistentVolume>(persistentVolumes, { on: ['add', 'update'] });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #sync(name: string): Promise<Outcome> {
    const volume = this.#volumes.get(name);
    if (!volume) return done;
    const step = planProtection(volume, finalizer, () => volume.status?.phase === 'Bound');
    if (step === 'nothing') return done;
    try {
      await this.#context.client
        .resource<PersistentVolume>(persistentVolumes)
        .update(withProtection(volume, finalizer, step));
      return done;
    } catch (error) {
      return isNotFound(error) ? done : retry(error);
    }
  }
}
