/** Approves client certificates of kubelets whose askers may have them, so that nodes join by themselves. */
import { messageOf } from '../../base/errors.ts';
import type { CertificateSigningRequest } from '../../apis/generated/types/certificates.k8s.io/v1.ts';
import { done, drop, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import type { Informer } from '../../client/informer.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { parseSigningRequest } from '../../pki/signing-request.ts';
import { KeyedController } from '../common/keyed-controller.ts';
import { certificateSigningRequests, subjectAccessReviews } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { type Approval, approvals, isOpen } from './plan.ts';

/** A right may be given after it was needed. */
const askAgainMs = 60_000;

interface AccessReview extends KubeObject {
  readonly status?: { readonly allowed?: boolean };
}

export const certificateApprovingController: ControllerDescriptor = {
  name: 'certificatesigningrequest-approving-controller',
  alias: 'csrapproving',
  serviceAccount: 'certificate-controller',
  create: (context) => new CertificateApprovingController(context),
};

class CertificateApprovingController implements RunningController {
  readonly #context: ControllerContext;
  readonly #loop: KeyedController;
  readonly #requests: Informer<CertificateSigningRequest>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#loop = new KeyedController(context, {
      name: certificateApprovingController.name,
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
    if (!request || !isOpen(request)) return done;
    let possible: readonly Approval[];
    try {
      possible = approvals(request, parseSigningRequest(atob(request.spec.request)));
    } catch (error) {
      return drop(new Error(`approving ${name}: ${messageOf(error)}`, { cause: error }));
    }
    try {
      for (const approval of possible) {
        if (!(await this.#mayHave(request, approval))) continue;
        await this.#approve(request, approval);
        return done;
      }
    } catch (error) {
      return isNotFound(error) ? done : retry(error);
    }
    return possible.length === 0 ? done : requeueAfter(askAgainMs);
  }

  async #mayHave({ spec }: CertificateSigningRequest, { subresource }: Approval): Promise<boolean> {
    const review = await this.#context.client.resource<AccessReview>(subjectAccessReviews).create({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      metadata: {},
      spec: {
        user: spec.username,
        uid: spec.uid,
        groups: spec.groups,
        extra: spec.extra,
        resourceAttributes: {
          group: 'certificates.k8s.io',
          version: '*',
          resource: 'certificatesigningrequests',
          subresource,
          verb: 'create',
        },
      },
    } as AccessReview);
    return review.status?.allowed === true;
  }

  async #approve(request: CertificateSigningRequest, { message }: Approval): Promise<void> {
    const condition = { type: 'Approved', status: 'True', reason: 'AutoApproved', message };
    const conditions = [...(request.status?.conditions ?? []), condition];
    await this.#context.client
      .resource<CertificateSigningRequest>(certificateSigningRequests)
      .update({ ...request, status: { ...request.status, conditions } }, { subresource: 'approval' });
  }
}
