/** "Who is this?": TokenReview and SelfSubjectReview of authentication.k8s.io/v1. */
import { newInvalid } from '../../machinery/status/errors.ts';
import { required } from '../../machinery/validation/field-error.ts';
import type { UserInfo } from '../../machinery/wire.ts';
import { jsonResponse } from '../filters/status-response.ts';
import { requireReview } from '../handlers/review.ts';
import { virtualBody } from '../filters/virtual-body.ts';
import type { ContextHandler } from '../request-context.ts';
import type { Authenticator } from './authenticator.ts';
import { withAuthenticatedGroup } from './users.ts';

const apiVersion = 'authentication.k8s.io/v1';
const metadata = { creationTimestamp: null };

/** Handlers by resource name. */
export function authenticationReviewHandlers(authenticator: Authenticator): Readonly<Record<string, ContextHandler>> {
  return {
    async tokenreviews(context) {
      requireReview(context);
      const { spec = {} } = virtualBody<{ spec?: { token?: string; audiences?: string[] } }>(context, 'TokenReview');
      if (!spec.token)
        throw newInvalid({ group: 'authentication.k8s.io', kind: 'TokenReview' }, '', [required('spec.token')]);
      const result = await authenticator.authenticateToken(
        spec.token,
        spec.audiences?.length ? spec.audiences : undefined,
      );
      const status =
        'error' in result
          ? { user: {}, error: result.error }
          : { authenticated: true, user: userStatus(withAuthenticatedGroup(result.user)), audiences: result.audiences };
      return jsonResponse(201, { kind: 'TokenReview', apiVersion, metadata, spec, status });
    },
    async selfsubjectreviews(context) {
      requireReview(context);
      const status = { userInfo: userStatus(context.user) };
      return jsonResponse(201, { kind: 'SelfSubjectReview', apiVersion, metadata, status });
    },
  };
}

function userStatus(user: UserInfo): unknown {
  return {
    username: user.username,
    ...(user.uid ? { uid: user.uid } : {}),
    groups: user.groups,
    ...(user.extra && Object.keys(user.extra).length > 0 ? { extra: user.extra } : {}),
  };
}
