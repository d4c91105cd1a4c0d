/** Runs the admission plugins in their order: all mutating passes, later all validating ones. */
import { newForbidden } from '../../machinery/status/errors.ts';
import { StatusError } from '../../machinery/status/status.ts';
import { messageOf } from '../../base/errors.ts';
import type { AdmissionPlugin, Attributes, Operation } from './plugin.ts';

export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  /** Whether anything would look at such a request (so that attributes need not be made otherwise). */
  handles(operation: Operation): boolean {
    return this.#plugins.some((plugin) => plugin.handles(operation));
  }

  async admit(attributes: Attributes): Promise<void> {
    for (const plugin of this.#plugins) {
      if (!plugin.admit || !plugin.handles(attributes.operation)) continue;
      try {
        const pending = plugin.admit(attributes);
        if (pending) await pending;
      } catch (error) {
        throw rejection(error, attributes);
      }
    }
  }

  async validate(attributes: Attributes): Promise<void> {
    for (const plugin of this.#plugins) {
      if (!plugin.validate || !plugin.handles(attributes.operation)) continue;
      try {
        const pending = plugin.validate(attributes);
        if (pending) await pending;
      } catch (error) {
        throw rejection(error, attributes);
      }
    }
  }
}

/** A plugin's refusal as it is; any other failure of it forbids the request, as upstream does. */
function rejection(error: unknown, attributes: Attributes): unknown {
  if (error instanceof StatusError) return error;
  const gr = { group: attributes.group, resource: attributes.resource };
  return newForbidden(gr, attributes.name, messageOf(error));
}
