import { nameIsPathSegment } from '../../../machinery/validation/formats.ts';
import { carryOver, statusStrategy } from '../../common/strategies.ts';
import { humanDuration } from '../../common/human-duration.ts';
import { ageColumn, column, nameColumn, none } from '../../common/columns.ts';
import { validateSigningRequest } from './validation.ts';
import type { UserInfo } from '../../../machinery/wire.ts';
import { defineKind } from '../../common/define.ts';
import type { CertificateSigningRequest } from '../../generated/types/certificates.k8s.io/v1.ts';

const isDecision = (condition: { type: string }) => condition.type === 'Approved' || condition.type === 'Denied';

function conditionText(request: CertificateSigningRequest): string {
  const has = (type: string) => request.status?.conditions?.some((c) => c.type === type);
  let text = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending';
  if (has('Failed')) text += ',Failed';
  if (request.status?.certificate) text += ',Issued';
  return text;
}

/** Absent where nothing is known: what the body claims is dropped. */
function requester({ username, uid, groups, extra }: UserInfo) {
  const named = extra && Object.keys(extra).length > 0 ? extra : undefined;
  return { username, uid, groups: groups.length > 0 ? [...groups] : undefined, extra: named };
}

export const certificateSigningRequest = defineKind<CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  validateName: nameIsPathSegment,
  strategy: {
    prepareForCreate(object, context) {
      object.status = {};
      // Who asks is known from the request, whatever the body says.
      if (object.spec) Object.assign(object.spec, requester(context.user));
    },
    prepareForUpdate: (object, old) => carryOver(object, old, 'spec', 'status'),
    validate: validateSigningRequest,
  },
  subresources: {
    status: statusStrategy<CertificateSigningRequest>({
      prepareForUpdate(object, old) {
        // Approval has an endpoint and a right of its own.
        const decided = (old.status?.conditions ?? []).filter(isDecision);
        const others = (object.status?.conditions ?? []).filter((c) => !isDecision(c));
        object.status = { ...object.status, conditions: [...decided, ...others] };
      },
    }),
    approval: statusStrategy<CertificateSigningRequest>({
      prepareForUpdate(object, old) {
        object.status = { ...old.status, conditions: object.status?.conditions ?? [] };
      },
    }),
  },
  selectableFields: { 'spec.signerName': (c) => c.spec?.signerName ?? '' },
  columns: [
    nameColumn,
    ageColumn,
    column<CertificateSigningRequest>('SignerName', (c) => c.spec?.signerName || none, {
      description: 'Who is to sign.',
    }),
    column<CertificateSigningRequest>('Requestor', (c) => c.spec?.username ?? '', { description: 'Who asks.' }),
    column<CertificateSigningRequest>(
      'RequestedDuration',
      (c) => (c.spec?.expirationSeconds === undefined ? none : humanDuration(c.spec.expirationSeconds * 1000)),
      {
        description: 'For how long.',
      },
    ),
    column<CertificateSigningRequest>('Condition', conditionText, { description: 'Where it stands.' }),
  ],
});
