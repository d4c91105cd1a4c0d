/** Mirrors Endpoints that somebody wrote by hand into EndpointSlices, which is all that proxies read. */
import type { Endpoints, Service } from '../../apis/generated/types/core/v1.ts';
import type { EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import { done, type Outcome, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isNotFound, statusCause } from '../../machinery/status/is.ts';
import { WrittenVersions } from '../common/fresh-cache.ts';
import { KeyedController } from '../common/keyed-controller.ts';
import { endpointSlices, endpoints, services } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { managedByLabel, serviceNameLabel } from '../endpointslice/plan.ts';
import { isMirrored, type MirrorPlan, mirroredBy, planMirror } from './plan.ts';

export const endpointSliceMirroringController: ControllerDescriptor = {
  name: 'endpointslice-mirroring-controller',
  alias: 'endpointslicemirroring',
  serviceAccount: 'endpointslicemirroring-controller',
  create: (context) => new EndpointSliceMirroringController(context),
};

class EndpointSliceMirroringController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #loop: KeyedController;
  readonly #endpoints: Informer<Endpoints>;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #written = new WrittenVersions();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#recorder = context.recorder('endpoint-slice-mirroring-controller');
    this.#loop = new KeyedController(context, {
      name: endpointSliceMirroringController.name,
      queueName: 'endpoint_slice_mirroring',
      reconcile: (key) => this.#sync(key),
    });
    this.#endpoints = this.#loop.follows<Endpoints>(endpoints);
    this.#services = this.#loop.follows<Service>(services, {
      changed: (old, service) => !semanticEqual(old.spec?.selector, service.spec?.selector),
    });
    const keys = (slice: DeepReadonly<EndpointSlice>) => keysOf(slice);
    this.#slices = this.#loop.follows<EndpointSlice>(endpointSlices, { keys });
    this.#slices.addIndex('byMirrored', keysOf);
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #sync(key: string): Promise<Outcome> {
    const object = this.#endpoints.get(key);
    if (!this.#written.areSeenBy(this.#slices, key)) return done;
    const slices = this.#slices.byIndex('byMirrored', key).filter((slice) => !slice.metadata.deletionTimestamp);
    const mirrored = isMirrored(object, this.#services.get(key)) ? object : undefined;
    const plan = planMirror(mirrored, slices);
    if (mirrored) this.#warn(mirrored, plan);
    else this.#written.forget(key);
    const client = this.#context.client
      .resource<EndpointSlice>(endpointSlices)
      .namespace(key.slice(0, key.indexOf('/')));
    try {
      for (const slice of plan.create) this.#written.note(key, await client.create(slice));
      for (const slice of plan.update) this.#written.note(key, await client.update(slice));
      for (const slice of plan.delete)
        await client.delete(slice.metadata.name ?? '').catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      return done;
    } catch (error) {
      return statusCause(error, 'NamespaceTerminating') ? done : retry(error);
    }
  }

  #warn(object: DeepReadonly<Endpoints>, { invalid, skipped }: MirrorPlan): void {
    const subject = { ...object, apiVersion: 'v1', kind: 'Endpoints' };
    if (invalid > 0)
      this.#recorder.event(
        subject,
        'Warning',
        'InvalidIPAddress',
        `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`,
      );
    if (skipped > 0)
      this.#recorder.event(
        subject,
        'Warning',
        'TooManyAddressesToMirror',
        `A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`,
      );
  }
}

/** The Endpoints that a slice mirrors; none for slices of others. */
function keysOf({ metadata }: DeepReadonly<EndpointSlice>): readonly string[] {
  const name = metadata.labels?.[serviceNameLabel];
  return metadata.labels?.[managedByLabel] === mirroredBy && name ? [`${metadata.namespace}/${name}`] : [];
}
