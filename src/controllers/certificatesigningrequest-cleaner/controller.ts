/** Deletes CertificateSigningRequests that are answered, or that nobody answers. */
import type { CertificateSigningRequest } from '../../apis/generated/types/certificates.k8s.io/v1.ts';
import { done, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import type { Informer } from '../../client/informer.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { KeyedController } from '../common/keyed-controller.ts';
import { certificateSigningRequests } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { msUntilStale } from './plan.ts';

export const certificateCleanerController: ControllerDescriptor = {
  name: 'certificatesigningrequest-cleaner-controller',
  alias: 'csrcleaner',
  serviceAccount: 'certificate-controller',
  create: (context) => new CertificateCleanerController(context),
};

class CertificateCleanerController implements RunningController {
  readonly #context: ControllerContext;
  readonly #loop: KeyedController;
  readonly #requests: Informer<CertificateSigningRequest>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#loop = new KeyedController(context, {
      name: certificateCleanerController.name,
      queueName: 'certificate_cleaner',
      workers: 1,
      reconcile: (key) => this.#sync(key),
    });
    this.#requests = this.#loop.follows<CertificateSigningRequest>(certificateSigningRequests, {
      on: ['add', 'update'],
    });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #sync(name: string): Promise<Outcome> {
    const request = this.#requests.get(name);
    if (!request) return done;
    const waitMs = msUntilStale(request, this.#context.clock.now());
    if (waitMs > 0) return requeueAfter(waitMs);
    const { uid = '' } = request.metadata;
    try {
      await this.#context.client.resource(certificateSigningRequests).delete(name, { preconditions: { uid } });
      return done;
    } catch (error) {
      return isNotFound(error) ? done : retry(error);
    }
  }
}
