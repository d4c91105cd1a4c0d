/** What match conditions of webhooks may speak of, so that wrong ones are refused (apiserver admission/plugin/cel). */
import { bool, type CelType, dyn, listOf, mapOf, type ObjectType, opaque, string } from '../../machinery/cel/types.ts';
import { type CelProgram, celEnvironment } from '../../machinery/cel/cel.ts';
import { messageOf } from '../../base/errors.ts';

const object = (name: string, fields: Readonly<Record<string, CelType>>): ObjectType => ({
  kind: 'object',
  name,
  fields: new Map(Object.entries(fields).map(([field, type]) => [field, { name: field, type }])),
});

const groupVersionKind = object('kubernetes.GroupVersionKind', { group: string, version: string, kind: string });
const groupVersionResource = object('kubernetes.GroupVersionResource', {
  group: string,
  version: string,
  resource: string,
});

const admissionRequest = object('kubernetes.AdmissionRequest', {
  kind: groupVersionKind,
  resource: groupVersionResource,
  subResource: string,
  requestKind: groupVersionKind,
  requestResource: groupVersionResource,
  requestSubResource: string,
  name: string,
  namespace: string,
  operation: string,
  userInfo: object('kubernetes.UserInfo', {
    username: string,
    uid: string,
    groups: listOf(string),
    extra: mapOf(string, listOf(string)),
  }),
  dryRun: bool,
  options: dyn,
});

const admissionVariables: Readonly<Record<string, CelType>> = {
  object: dyn,
  oldObject: dyn,
  request: admissionRequest,
  authorizer: opaque('kubernetes.authorization.Authorizer'),
  'authorizer.requestResource': opaque('kubernetes.authorization.ResourceCheck'),
};

const environment = celEnvironment({ variables: admissionVariables });
const booleans: ReadonlySet<string> = new Set(['bool', 'dyn']);

/** Throws an Error in upstream's words for what does not compile or is no condition. */
export function checkMatchCondition(expression: string): void {
  let program: CelProgram;
  try {
    program = environment.compile(expression);
  } catch (error) {
    throw new Error(`compilation failed: ${messageOf(error)}`, { cause: error });
  }
  if (!booleans.has(program.type.kind)) throw new Error('must evaluate to bool');
}
