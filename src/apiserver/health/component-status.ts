/** componentstatuses (deprecated since 1.19, served still): what the server knows of the parts it depends on. */
import { newMethodNotSupported, newNotFound } from '../../machinery/status/errors.ts';
import { jsonResponse } from '../filters/status-response.ts';
import { negotiate } from '../handlers/negotiate.ts';
import type { ContextHandler } from '../request-context.ts';

export interface ComponentCheck {
  /** `etcd-0`. */
  readonly name: string;
  healthy(): boolean;
}

const resource = { group: '', resource: 'componentstatuses' };

const columns = ['Name', 'Status', 'Message', 'Error'].map((name) => ({
  name,
  type: 'string',
  format: name === 'Name' ? 'name' : '',
  description:
    name === 'Name' ? 'Name must be unique within a namespace.' : `${name} of the component's condition of health`,
  priority: 0,
}));

export function componentStatusHandler(checks: readonly ComponentCheck[]): ContextHandler {
  return async (context) => {
    const { info, request } = context;
    context.warnings.push('v1 ComponentStatus is deprecated in v1.19+');
    if (info.verb !== 'get' && info.verb !== 'list') throw newMethodNotSupported(resource, info.verb);
    const items = checks.filter((check) => info.name === '' || check.name === info.name).map(statusOf);
    if (info.verb === 'get' && items.length === 0) throw newNotFound(resource, info.name);
    const { as, metaVersion } = negotiate(request.headers.accept);
    if (as === 'table')
      return jsonResponse(200, {
        kind: 'Table',
        apiVersion: `meta.k8s.io/${metaVersion}`,
        metadata: {},
        columnDefinitions: columns,
        rows: items.map((item) => rowOf(item, metaVersion)),
      });
    if (info.verb === 'get') return jsonResponse(200, { kind: 'ComponentStatus', apiVersion: 'v1', ...items[0] });
    return jsonResponse(200, { kind: 'ComponentStatusList', apiVersion: 'v1', metadata: {}, items });
  };
}

function statusOf(check: ComponentCheck) {
  const healthy = check.healthy();
  const said: { message?: string; error?: string } = healthy
    ? { message: 'ok' }
    : { error: 'the store does not answer' };
  return {
    metadata: { name: check.name, creationTimestamp: null },
    conditions: [{ type: 'Healthy', status: healthy ? 'True' : 'False', ...said }],
  };
}

function rowOf(item: ReturnType<typeof statusOf>, metaVersion: string) {
  const [condition] = item.conditions;
  const healthy = condition?.status === 'True';
  return {
    cells: [item.metadata.name, healthy ? 'Healthy' : 'Unhealthy', condition?.message ?? '', condition?.error ?? ''],
    object: { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${metaVersion}`, metadata: item.metadata },
  };
}
