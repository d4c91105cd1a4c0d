import { messageOf } from '../../base/errors.ts';
import type { PodPlan } from '../pods/plan.ts';
import type { PodRecorder } from '../pods/recorder.ts';
import type { Pod } from '../types.ts';
import { type PutInForceDeps, putInForce } from './put-in-force.ts';
import { type ResizeState, resizeMessage } from './resize-state.ts';

export interface PodResizerDeps extends PutInForceDeps {
  readonly recorder: PodRecorder;
}

/** After which time a resize that could not be put in force is tried again. */
const retryMs = 10_000;

/** The resizes of one pod, one after the other: whether it gets what it asks for, and putting that in force. */
export class PodResizer {
  readonly #deps: PodResizerDeps;
  #state: ResizeState = {};
  /** The generation whose waiting was told by an event. */
  #toldGeneration = -1;

  constructor(deps: PodResizerDeps) {
    this.#deps = deps;
  }

  get state(): ResizeState {
    return this.#state;
  }

  /** Granted and not yet in force. */
  get isUnderWay(): boolean {
    return this.#state.inProgress !== undefined;
  }

  /** `pod`: with what it asks for. */
  async decide(pod: Pod): Promise<void> {
    const { allocations, recorder } = this.#deps;
    const outcome = await allocations.resize(pod);
    if (outcome === 'unchanged') this.#state = { inProgress: this.#state.inProgress };
    else if (outcome === 'granted') {
      this.#state = { inProgress: {} };
      recorder.pod(pod, 'Normal', 'ResizeStarted', resizeMessage('Pod resize started', pod));
    } else {
      const { message } = outcome;
      this.#state = { ...this.#state, pending: { reason: 'Deferred', message } };
      const generation = pod.metadata.generation ?? 0;
      if (this.#toldGeneration === generation) return;
      this.#toldGeneration = generation;
      recorder.pod(pod, 'Warning', 'ResizeDeferred', resizeMessage('Pod resize Deferred', pod, message));
    }
  }

  /** `pod`: with what it was granted. Returns after how long to try again what did not work. */
  async carryOut(pod: Pod, plan: Extract<PodPlan, { kind: 'run' }>): Promise<number | undefined> {
    const { recorder } = this.#deps;
    const { pending } = this.#state;
    try {
      if (plan.resize.length > 0) await putInForce(this.#deps, pod, plan.resize);
    } catch (error) {
      const message = messageOf(error);
      if (this.#state.inProgress?.message !== message)
        recorder.pod(pod, 'Warning', 'ResizeError', resizeMessage('Pod resize error', pod, message));
      this.#state = { pending, inProgress: { reason: 'Error', message } };
      return retryMs;
    }
    // What is restarted for its new resources has them when the next look finds it running.
    if (plan.kill.some(({ reason }) => reason === 'resize')) return undefined;
    if (this.isUnderWay) recorder.pod(pod, 'Normal', 'ResizeCompleted', resizeMessage('Pod resize completed', pod));
    this.#state = { pending };
    return undefined;
  }
}
