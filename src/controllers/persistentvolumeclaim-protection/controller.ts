/** Keeps claims that pods use from being deleted under them. */
import type { PersistentVolumeClaim, Pod } from '../../apis/generated/types/core/v1.ts';
import { done, type Outcome, retry } from '../../client/controller.ts';
import type { Informer } from '../../client/informer.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { KeyedController } from '../common/keyed-controller.ts';
import { planProtection, withProtection } from '../common/protection.ts';
import { persistentVolumeClaims, pods } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { claimsInUse, claimsOf } from './plan.ts';

const finalizer = 'kubernetes.io/pvc-protection';

export const claimProtectionController: ControllerDescriptor = {
  name: 'persistentvolumeclaim-protection-controller',
  alias: 'pvc-protection',
  serviceAccount: 'pvc-protection-controller',
  create: (context) => new ClaimProtectionController(context),
};

class ClaimProtectionController implements RunningController {
  readonly #context: ControllerContext;
  readonly #loop: KeyedController;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #pods: Informer<Pod>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#loop = new KeyedController(context, {
      name: claimProtectionController.name,
      queueName: 'pvcprotection',
      workers: 1,
      reconcile: (key) => this.#sync(key),
    });
    this.#claims = this.#loop.follows<PersistentVolumeClaim>(persistentVolumeClaims, { on: ['add', 'update'] });
    this.#pods = this.#loop.follows<Pod>(pods, {
      on: ['update', 'delete'],
      changed: (old, pod) => claimsInUse(old).length !== claimsInUse(pod).length,
      keys: claimsOf,
    });
    this.#pods.addIndex('byClaimInUse', claimsInUse);
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #sync(key: string): Promise<Outcome> {
    const claim = this.#claims.get(key);
    if (!claim) return done;
    const step = planProtection(claim, finalizer, () => this.#pods.byIndex('byClaimInUse', key).length > 0);
    if (step === 'nothing') return done;
    try {
      await this.#context.client
        .resource<PersistentVolumeClaim>(persistentVolumeClaims)
        .namespace(claim.metadata.namespace)
        .update(withProtection(claim, finalizer, step));
      return done;
    } catch (error) {
      return isNotFound(error) ? done : retry(error);
    }
  }
}
