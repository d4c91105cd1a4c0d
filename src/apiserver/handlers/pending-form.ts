/** Watches of resources whose conversion has to be waited for: events carry the object, and become frames on their way. */
import type { WatchEventType, WatchFrame } from '../../machinery/wire.ts';
import type { Served } from '../registry/served.ts';
import type { CachedObject } from '../watchcache/cached-object.ts';
import type { Form } from '../watchcache/form.ts';

const noBytes = new Uint8Array(0);

/** An event that is not yet in any version. */
interface PendingFrame extends WatchFrame {
  readonly pending: CachedObject;
  readonly previous: CachedObject | undefined;
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

  frame(type: WatchEventType, pending: CachedObject, previous?: CachedObject): PendingFrame {
    return { type, object: undefined, bytes: noBytes, pending, previous };
  }

  bookmark(...args: Parameters<Form['bookmark']>): WatchFrame {
    return this.#wanted.bookmark(...args);
  }

  error(status: unknown): WatchFrame {
    return this.#wanted.error(status);
  }
}

/**
 * Batches with all events converted, in their order; only those that `matches`, which is asked once they are. A
 * conversion that fails ends the watch.
 */
export async function* whenConverted(
  batches: AsyncIterable<readonly WatchFrame[]>,
  served: Served,
  form: Form,
  matches: ((object: CachedObject) => boolean) | undefined,
): AsyncGenerator<readonly WatchFrame[]> {
  for await (const batch of batches) {
    const pending = batch.filter(isPending);
    await served.prepare(pending.map((frame) => frame.pending));
    if (matches) await served.prepare(pending.map((frame) => frame.previous));
    const frames: WatchFrame[] = [];
    for (const frame of batch) {
      const seen = isPending(frame) ? convertedFrame(frame, form, matches) : frame;
      if (seen) frames.push(seen);
    }
    if (frames.length > 0) yield frames;
  }
}

/**
 * A change may bring the object into what is selected, or take it out: DELETED then carries what it is now, not what it
 * was, since conversions are known by revision and the event must have the new one.
 */
function convertedFrame(
  { type, pending, previous }: PendingFrame,
  form: Form,
  matches: ((object: CachedObject) => boolean) | undefined,
): WatchFrame | undefined {
  const isIn = !matches || matches(pending);
  if (!matches || previous === undefined) return isIn ? form.frame(type, pending) : undefined;
  const wasIn = matches(previous);
  if (isIn) return form.frame(wasIn ? 'MODIFIED' : 'ADDED', pending);
  return wasIn ? form.frame('DELETED', pending) : undefined;
}
