/** The kubelet's own decision that a pod ends: its phase becomes Failed, with this reason. */
export interface Verdict {
  readonly reason: string;
  readonly message: string;
  /** Instead of the pod's own. */
  readonly graceSeconds?: number;
  /** The condition DisruptionTarget that goes with it: the pod did not fail by itself. */
  readonly disruption?: { readonly reason: string; readonly message: string };
}
