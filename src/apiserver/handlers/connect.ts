/** CONNECT: sub-resources that join the client to something else. Admission is asked before anything is joined. */
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { AdmissionChain } from '../admission/chain.ts';
import type { Attributes } from '../admission/plugin.ts';
import { isTrue } from '../filters/request-info.ts';
import type { Resource } from '../registry/resource.ts';
import type { RequestContext } from '../request-context.ts';

type OptionsOf = (context: RequestContext) => Record<string, unknown>;

const streams: OptionsOf = ({ query }) => ({
  ...(isTrue(query.get('stdin')) ? { stdin: true } : {}),
  // On unless they are turned off.
  stdout: query.get('stdout') === null || isTrue(query.get('stdout')),
  stderr: query.get('stderr') === null || isTrue(query.get('stderr')),
  ...(isTrue(query.get('tty')) ? { tty: true } : {}),
  ...(query.get('container') ? { container: query.get('container') } : {}),
});
const path: OptionsOf = ({ info }) => ({ path: `/${info.parts.slice(3).join('/')}` });

/** By resource and sub-resource of the core group: the kind of the options, and the options. */
const connects: Readonly<Record<string, readonly [kind: string, options: OptionsOf]>> = {
  'pods/exec': ['PodExecOptions', (c) => ({ ...streams(c), command: c.query.getAll('command') })],
  'pods/attach': ['PodAttachOptions', streams],
  'pods/portforward': ['PodPortForwardOptions', (c) => ({ ports: c.query.getAll('ports').map(Number) })],
  'pods/proxy': ['PodProxyOptions', path],
  'services/proxy': ['ServiceProxyOptions', path],
  'nodes/proxy': ['NodeProxyOptions', path],
};

/** Throws what admission refuses with. Sub-resources that join nothing pass. */
export async function admitConnect(
  context: RequestContext,
  resource: Resource,
  admission: AdmissionChain,
): Promise<void> {
  const { subresource, namespace, name } = context.info;
  const connect = resource.group === '' ? connects[`${resource.plural}/${subresource}`] : undefined;
  if (connect === undefined || !admission.handles('CONNECT')) return;
  const [kind, options] = connect;
  const attributes: Attributes = {
    context,
    operation: 'CONNECT',
    group: resource.group,
    version: resource.version,
    kind,
    resource: resource.plural,
    subresource,
    namespace: resource.namespaced ? namespace : '',
    name,
    object: { kind, apiVersion: 'v1', ...options(context) } as unknown as KubeObject,
    oldObject: undefined,
    dryRun: false,
    served: resource,
  };
  await admission.admit(attributes);
  await admission.validate(attributes);
}
