/** Watches of resources whose conversion has to be waited for: events carry the object, and become frames on their way. */
import type { WatchEventType, WatchFrame } from '../../machinery/wire.ts';
import type { Served } from '../registry/served.ts';
import type { CachedObject } from '../watchcache/cached-object.ts';
import type { Form } from '../watchcache/form.ts';

const noBytes = new Uint8Array(0);

/** An event that is not yet in any version. */
interface PendingFrame extends WatchFrame {
  readonly pending: CachedObject;
}

const isPending = (frame: WatchFrame): frame is PendingFrame => 'pending' in frame;

/** The form that events have until they are converted; everything else is the wanted form's. */
export class PendingForm implements Form {
  readonly id: string;
  readonly #wanted: Form;

  constructor(wanted: Form) {
    this.#wanted = wanted;
    this.id = `pending ${wanted.id}`;
  }

  single(object: CachedObject): Uint8Array {
    return this.#wanted.single(object);
  }

  list(...args: Parameters<Form['list']>): ReturnType<Form['list']> {
    return this.#wanted.list(...args);
  }

  frame(type: WatchEventType, pending: CachedObject): PendingFrame {
    return { type, object: undefined, bytes: noBytes, pending };
  }

  bookmark(...args: Parameters<Form['bookmark']>): WatchFrame {
    return this.#wanted.bookmark(...args);
  }

  error(status: unknown): WatchFrame {
    return this.#wanted.error(status);
  }
}

/** Batches with all events converted, in their order. A conversion that fails ends the watch. */
export async function* whenConverted(
  batches: AsyncIterable<readonly WatchFrame[]>,
  served: Served,
  form: Form,
): AsyncGenerator<readonly WatchFrame[]> {
  for await (const batch of batches) {
    await served.prepare(batch.map((frame) => (isPending(frame) ? frame.pending : undefined)));
    yield batch.map((frame) => (isPending(frame) ? form.frame(frame.type, frame.pending) : frame));
  }
}
