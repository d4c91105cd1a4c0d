/** Conditional defaults of resource.k8s.io. */
import type { TypeDefaulters } from '../../machinery/schema/defaults.ts';

/** A request for an exact number of devices is for one, if it does not say. */
function defaultCount(request: { allocationMode?: string; count?: number }): void {
  request.allocationMode ||= 'ExactCount';
  if (request.allocationMode === 'ExactCount') request.count ||= 1;
}

/** Only a request with a class of its own is for devices; another has alternatives. */
function defaultRequest(request: { deviceClassName?: string; allocationMode?: string; count?: number }): void {
  if (request.deviceClassName) defaultCount(request);
}

export const resourceDefaulters: TypeDefaulters = {
  'resource.k8s.io/v1/ExactDeviceRequest': defaultCount,
  'resource.k8s.io/v1/DeviceSubRequest': defaultCount,
  'resource.k8s.io/v1beta2/ExactDeviceRequest': defaultCount,
  'resource.k8s.io/v1beta2/DeviceSubRequest': defaultCount,
  'resource.k8s.io/v1beta1/DeviceRequest': defaultRequest,
  'resource.k8s.io/v1beta1/DeviceSubRequest': defaultCount,
};
