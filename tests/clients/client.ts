import type { Step } from './steps.ts';

export type Outcome =
  | { readonly result: 'ok' }
  | { readonly result: 'failed'; readonly error: string }
  /** Known and written down in not-yet.ts: the failure fails no run. */
  | { readonly result: 'not yet'; readonly error: string };

/** What a client's scenario is given. */
export interface Surroundings {
  /** Of an administrator with a client certificate. */
  readonly kubeconfig: string;
  /** The client makes and deletes it. */
  readonly namespace: string;
  /** A busybox that every node has. */
  readonly image: string;
  /** Empty, the scenario's own, deleted after it. */
  readonly scratch: string;
  /** Reports a step; the first report of a step counts. */
  readonly report: (step: Step, outcome: Outcome) => void;
  /** Everything else that is worth keeping in the client's log. */
  readonly log: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface Client {
  /** Its folder and its column. */
  readonly name: string;
  readonly steps: readonly Step[];
  /** Why it cannot run here, in one line; undefined: it can. */
  missing(): string | undefined;
  /**
   * Builds what the scenario needs below `cache`, which outlives the run and is the client's own. Does only what is
   * missing. Rejects with the tool's own words when it cannot. Gives the client's version as the table shows it.
   */
  prepare(cache: string, log: (text: string) => void, signal: AbortSignal): Promise<string>;
  /** Runs the scenario to its end; a step it does not report has failed. */
  run(cache: string, surroundings: Surroundings): Promise<void>;
}
