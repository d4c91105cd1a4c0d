/** Signs approved CertificateSigningRequests of the four signers of Kubernetes itself. */
import { messageOf } from '../../base/errors.ts';
import type { CertificateSigningRequest } from '../../apis/generated/types/certificates.k8s.io/v1.ts';
import { done, drop, type Outcome, retry } from '../../client/controller.ts';
import type { Informer } from '../../client/informer.ts';
import { timeText } from '../../machinery/meta/time.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { parseSigningRequest, type SigningRequest } from '../../pki/signing-request.ts';
import { KeyedController } from '../common/keyed-controller.ts';
import { certificateSigningRequests } from '../common/resources.ts';
import type { CertificateSigning, ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { isToSign, refusal, validity } from './plan.ts';

/** Upstream's --cluster-signing-duration. */
const defaultMostMs = 365 * 86_400_000;

export const certificateSigningController: ControllerDescriptor = {
  name: 'certificatesigningrequest-signing-controller',
  alias: 'csrsigning',
  serviceAccount: 'certificate-controller',
  create: (context) => {
    const { certificateSigning } = context.settings;
    return certificateSigning
      ? new CertificateSigningController(context, certificateSigning)
      : { start() {}, stop: async () => {} };
  },
};

class CertificateSigningController implements RunningController {
  readonly #context: ControllerContext;
  readonly #signing: CertificateSigning;
  readonly #loop: KeyedController;
  readonly #requests: Informer<CertificateSigningRequest>;

  constructor(context: ControllerContext, signing: CertificateSigning) {
    this.#context = context;
    this.#signing = signing;
    this.#loop = new KeyedController(context, {
      name: certificateSigningController.name,
      queueName: 'certificate',
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
    const request = this.#requests.get(name) as CertificateSigningRequest | undefined;
    if (!request || !isToSign(request)) return done;
    let status: NonNullable<CertificateSigningRequest['status']>;
    try {
      const parsed = parseSigningRequest(atob(request.spec.request));
      const reason = refusal(request, parsed);
      status = reason === undefined ? this.#signed(request, parsed) : this.#failed(request, reason);
    } catch (error) {
      // What was asked for never changes: only another revision of it is worth another look.
      return drop(new Error(`signing ${name}: ${messageOf(error)}`, { cause: error }));
    }
    try {
      await this.#context.client
        .resource<CertificateSigningRequest>(certificateSigningRequests)
        .update({ ...request, status }, { subresource: 'status' });
      return done;
    } catch (error) {
      return isNotFound(error) ? done : retry(error);
    }
  }

  #signed(request: CertificateSigningRequest, parsed: SigningRequest) {
    const { authority, mostMs = defaultMostMs } = this.#signing;
    const { usages = [], expirationSeconds } = request.spec;
    const times = validity(expirationSeconds, {
      nowMs: this.#context.clock.now(),
      mostMs,
      signerEndMs: authority.notAfterMs,
    });
    return { ...request.status, certificate: btoa(authority.signRequest(parsed, { usages, ...times })) };
  }

  #failed(request: CertificateSigningRequest, message: string) {
    const condition = {
      type: 'Failed',
      status: 'True',
      reason: 'SignerValidationFailure',
      message,
      lastUpdateTime: timeText(this.#context.clock.now()),
    };
    return { ...request.status, conditions: [...(request.status?.conditions ?? []), condition] };
  }
}
