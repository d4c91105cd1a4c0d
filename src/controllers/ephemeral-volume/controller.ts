/** Makes the claims of generic ephemeral volumes. The garbage collector removes them with their pods. */
import type { PersistentVolumeClaim, Pod } from '../../apis/generated/types/core/v1.ts';
import { messageOf } from '../../base/errors.ts';
import { done, type Outcome, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { isAlreadyExists } from '../../machinery/status/is.ts';
import { KeyedController } from '../common/keyed-controller.ts';
import { persistentVolumeClaims, pods } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { planEphemeral } from './plan.ts';

export const ephemeralVolumeController: ControllerDescriptor = {
  name: 'ephemeral-volume-controller',
  alias: 'ephemeral-volume',
  serviceAccount: 'ephemeral-volume-controller',
  create: (context) => new EphemeralVolumeController(context),
};

class EphemeralVolumeController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #loop: KeyedController;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<PersistentVolumeClaim>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#recorder = context.recorder('ephemeral_volume');
    this.#loop = new KeyedController(context, {
      name: ephemeralVolumeController.name,
      queueName: 'ephemeral_volume',
      workers: 10,
      reconcile: (key) => this.#sync(key),
    });
    this.#pods = this.#loop.follows<Pod>(pods, { on: ['add'], keys: keysOfUser });
    // A claim that is deleted while its pod is here is made again.
    this.#claims = this.#loop.follows<PersistentVolumeClaim>(persistentVolumeClaims, {
      on: ['delete'],
      keys: ({ metadata }) => {
        const owner = metadata.ownerReferences?.find(({ controller, kind }) => controller === true && kind === 'Pod');
        return owner ? [`${metadata.namespace}/${owner.name}`] : [];
      },
    });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #sync(key: string): Promise<Outcome> {
    const pod = this.#pods.get(key);
    if (!pod) return done;
    const client = this.#context.client.resource<PersistentVolumeClaim>(persistentVolumeClaims);
    for (const plan of planEphemeral(pod, (claim) => this.#claims.get(claim))) {
      try {
        if (plan.kind === 'taken') throw new Error(plan.why);
        await client.namespace(pod.metadata.namespace).create(plan.claim);
      } catch (error) {
        // Made by an earlier try that the cache does not show yet; if it is another's, that shows next time.
        if (isAlreadyExists(error)) return retry(error);
        const why = plan.kind === 'taken' ? plan.why : `create PVC ${plan.claim.metadata.name}: ${messageOf(error)}`;
        this.#recorder.event(pod, 'Warning', 'FailedBinding', `ephemeral volume ${plan.volume}: ${why}`);
        return retry(error);
      }
    }
    return done;
  }
}

const keysOfUser = ({ metadata, spec }: DeepReadonly<Pod>): string[] =>
  metadata.deletionTimestamp === undefined && spec?.volumes?.some(({ ephemeral }) => ephemeral)
    ? [`${metadata.namespace}/${metadata.name}`]
    : [];
