/**
 * kwok.x-k8s.io/v1alpha1 Stage: one step in the life of a Node or Pod. An object that the selector matches goes the
 * step after the delay. Objects of kwok's form are taken as they are; `statusTemplate` may use the subset of Go's
 * templates that template/ documents.
 */
import type { KubeObject } from '../../../machinery/meta/object.ts';

export interface Stage {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: { readonly name: string };
  readonly spec: StageSpec;
}

export interface StageSpec {
  readonly resourceRef: { readonly apiGroup?: string; readonly kind: string };
  readonly selector?: StageSelector;
  /** Of several stages that match one is drawn by weight; all 0: the first. */
  readonly weight?: number;
  readonly delay?: StageDelay;
  readonly next: StageNext;
}

export interface StageSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchAnnotations?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly SelectorRequirement[];
}

export interface SelectorRequirement {
  /** A path into the object: `.status.conditions.[] | select( .type == "Ready" ) | .status`. */
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values?: readonly string[];
}

export interface StageDelay {
  readonly durationMilliseconds?: number;
  /** The delay lies anywhere from the duration to this. Smaller than the duration: it is the delay. */
  readonly jitterDurationMilliseconds?: number;
  /** A time in the object: the delay is until then. */
  readonly durationFrom?: { readonly expressionFrom?: string };
  readonly jitterDurationFrom?: { readonly expressionFrom?: string };
}

export interface StageNext {
  readonly event?: { readonly type?: string; readonly reason?: string; readonly message?: string };
  readonly finalizers?: {
    readonly add?: readonly { readonly value?: string }[];
    readonly remove?: readonly { readonly value?: string }[];
    readonly empty?: boolean;
  };
  readonly delete?: boolean;
  readonly statusTemplate?: string;
}

/** What a stage may ask while it makes a status. */
export interface StageContext {
  /** RFC 3339, seconds. */
  readonly now: string;
  readonly version: string;
  nodeIp(nodeName: string): string;
  nodePort(nodeName: string): number;
  /** The pod's address: the same again for the same pod, the node's own for a pod on the host's network. */
  podIp(nodeName: string, hostNetwork: boolean, uid: string): string;
}

/** A stage ready to run: compiled from a Stage object, or written as code. */
export interface CompiledStage {
  readonly name: string;
  readonly kind: 'Node' | 'Pod';
  readonly weight: number;
  matches(object: KubeObject): boolean;
  /** Milliseconds until the step, at least 0; `random` in [0, 1). */
  delayMs(object: KubeObject, nowMs: number, random: () => number): number;
  /** The new status, merged into the old one (strategic merge patch); undefined: stays. */
  status?(object: KubeObject, context: StageContext): unknown;
  readonly event?: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string };
  /** The new finalizers; undefined when they stay. */
  finalizers?(object: KubeObject): readonly string[] | undefined;
  readonly delete: boolean;
}
