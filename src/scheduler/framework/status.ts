/** What a plugin answers. `undefined` stands for Success everywhere, so that the common case allocates nothing. */
export type Code =
  /** Something broke; the pod is tried again after a back-off. */
  | 'Error'
  /** The pod does not fit now; removing other pods may help. */
  | 'Unschedulable'
  /** The pod does not fit, and removing other pods would not change that. */
  | 'UnschedulableAndUnresolvable'
  /** Permit: hold the pod until it is allowed, rejected or timed out. */
  | 'Wait'
  /** PreFilter, PreScore: this plugin has no part in this cycle. Bind: another plugin shall bind. */
  | 'Skip'
  /** Unschedulable until something outside of the cluster happens; skips the back-off when it did. */
  | 'Pending';

export class Status {
  readonly code: Code;
  readonly reasons: readonly string[];
  /** What was thrown, for code Error. */
  error: Error | undefined = undefined;
  /** The plugin that answered; set by the framework. */
  plugin = '';

  constructor(code: Code, ...reasons: readonly string[]) {
    this.code = code;
    this.reasons = reasons;
  }

  /** A failure that is nobody's decision. */
  static fromError(error: unknown): Status {
    const status = new Status('Error', error instanceof Error ? error.message : String(error));
    status.error = error instanceof Error ? error : new Error(String(error));
    return status;
  }

  get message(): string {
    return this.reasons.join(', ');
  }
}

/** True when a plugin turned the pod down by its rules, false for success and for errors. */
export function isRejected(status: Status | undefined): boolean {
  switch (status?.code) {
    case 'Unschedulable':
    case 'UnschedulableAndUnresolvable':
    case 'Pending':
      return true;
    default:
      return false;
  }
}
