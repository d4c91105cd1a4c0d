/**
 * resource.k8s.io/v1beta1 and what is stored (v1): a request's device is spelled out on the request itself, a slice's
 * device below `basic`.
 */
import type { KubeObject } from '../../../machinery/meta/object.ts';

type Fields = Record<string, unknown>;
interface Claim {
  spec?: { devices?: { requests?: Fields[] } };
}
interface Template {
  spec?: Claim;
}
interface Slice {
  spec?: { devices?: Fields[] };
}

const exactFields = [
  'deviceClassName',
  'selectors',
  'allocationMode',
  'count',
  'adminAccess',
  'tolerations',
  'capacity',
] as const;

/** They may change their argument. */
export const claimV1beta1Of = (stored: KubeObject): KubeObject => withRequests(stored, stored as Claim, flattened);
export const claimV1Of = (served: KubeObject): KubeObject => withRequests(served, served as Claim, nested);
export const templateV1beta1Of = (stored: KubeObject): KubeObject =>
  withRequests(stored, (stored as Template).spec ?? {}, flattened);
export const templateV1Of = (served: KubeObject): KubeObject =>
  withRequests(served, (served as Template).spec ?? {}, nested);

export const sliceV1beta1Of = (stored: KubeObject): KubeObject =>
  withDevices(stored, ({ name, ...basic }) => ({ name, basic }));
export const sliceV1Of = (served: KubeObject): KubeObject =>
  withDevices(served, ({ name, basic }) => ({ name, ...(basic as Fields | undefined) }));

function withRequests(object: KubeObject, { spec }: Claim, change: (request: Fields) => Fields): KubeObject {
  if (spec?.devices?.requests) spec.devices.requests = spec.devices.requests.map(change);
  return object;
}

function withDevices(object: KubeObject, change: (device: Fields) => Fields): KubeObject {
  const { spec } = object as Slice;
  if (spec?.devices) spec.devices = spec.devices.map(change);
  return object;
}

function flattened({ exactly, ...request }: Fields): Fields {
  return { ...request, ...(exactly as Fields | undefined) };
}

/** Without a class of its own a request has alternatives (`firstAvailable`), and no device that it asks for exactly. */
function nested(request: Fields): Fields {
  const exactly: Fields = {};
  const rest: Fields = {};
  for (const [key, value] of Object.entries(request))
    if (exactFields.includes(key as never)) exactly[key] = value;
    else rest[key] = value;
  return Object.keys(exactly).length > 0 ? { ...rest, exactly } : rest;
}
