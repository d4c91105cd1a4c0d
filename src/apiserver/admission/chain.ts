/** Runs the admission plugins in their order: all mutating passes, later all validating ones. */
import { newForbidden } from '../../machinery/status/errors.ts';
import { StatusError } from '../../machinery/status/status.ts';
import { messageOf } from '../../base/errors.ts';
import type { AdmissionPlugin, Attributes, Operation, Reinvocation } from './plugin.ts';

export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  /** Whether anything would look at such a request (so that attributes need not be made otherwise). */
  handles(operation: Operation): boolean {
    return this.#plugins.some((plugin) => plugin.handles(operation));
  }

  /** One round through the mutating plugins, and one more when a plugin has asked for it. */
  async admit(attributes: Attributes): Promise<void> {
    const reinvocation = new Rounds();
    const given: Attributes = { ...attributes, reinvocation };
    await this.#admitOnce(given);
    if (!reinvocation.required) return;
    reinvocation.again = true;
    await this.#admitOnce(given);
  }

  async #admitOnce(attributes: Attributes): Promise<void> {
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

class Rounds implements Reinvocation {
  again = false;
  required = false;
  #states: Map<string, unknown> | undefined;

  require(): void {
    this.required = true;
  }

  state<T>(plugin: string, make: () => T): T {
    this.#states ??= new Map();
    if (!this.#states.has(plugin)) this.#states.set(plugin, make());
    return this.#states.get(plugin) as T;
  }
}

/** A plugin's refusal as it is; any other failure of it forbids the request, as upstream does. */
function rejection(error: unknown, attributes: Attributes): unknown {
  if (error instanceof StatusError) return error;
  const gr = { group: attributes.group, resource: attributes.resource };
  return newForbidden(gr, attributes.name, messageOf(error));
}
