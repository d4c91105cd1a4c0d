import type { KubeObject } from '../../../machinery/meta/object.ts';
import { compileStatusTemplate } from '../template/status-template.ts';
import { parseExpression } from './expression.ts';
import { compileSelector } from './selector.ts';
import type { CompiledStage, Stage, StageDelay, StageNext } from './stage.ts';

/** Checks a Stage object and makes it ready to run. Throws with the stage's name and what is wrong with it. */
export function compileStage(stage: Stage): CompiledStage {
  const name = stage.metadata?.name ?? '';
  try {
    const { spec } = stage;
    const kind = spec.resourceRef.kind;
    if (kind !== 'Node' && kind !== 'Pod') throw new Error(`resourceRef.kind '${kind}' is neither Node nor Pod`);
    const apiGroup = spec.resourceRef.apiGroup ?? 'v1';
    if (apiGroup !== 'v1') throw new Error(`resourceRef.apiGroup '${apiGroup}' is not v1`);
    const { next } = spec;
    const status = next.statusTemplate ? compileStatusTemplate(next.statusTemplate) : undefined;
    return {
      name,
      kind,
      weight: spec.weight ?? 0,
      matches: compileSelector(spec.selector),
      delayMs: compileDelay(spec.delay),
      ...(status === undefined ? {} : { status }),
      ...(next.event === undefined ? {} : { event: eventOf(next.event) }),
      ...(next.finalizers === undefined ? {} : { finalizers: finalizersOf(next.finalizers) }),
      delete: next.delete ?? false,
    };
  } catch (error) {
    throw new Error(`compiling stage '${name}': ${(error as Error).message}`, { cause: error });
  }
}

function eventOf(event: NonNullable<StageNext['event']>): NonNullable<CompiledStage['event']> {
  return {
    type: event.type === 'Warning' ? 'Warning' : 'Normal',
    reason: event.reason ?? '',
    message: event.message ?? '',
  };
}

function finalizersOf(
  change: NonNullable<StageNext['finalizers']>,
): (object: KubeObject) => readonly string[] | undefined {
  const remove = new Set(change.remove?.map((f) => f.value));
  return (object) => {
    const old = object.metadata.finalizers ?? [];
    const now = new Set(change.empty ? [] : old.filter((f) => !remove.has(f)));
    for (const f of change.add ?? []) if (f.value !== undefined) now.add(f.value);
    return now.size === old.length && old.every((f) => now.has(f)) ? undefined : [...now];
  };
}

function compileDelay(delay: StageDelay | undefined): CompiledStage['delayMs'] {
  if (delay === undefined) return () => 0;
  const from = delay.durationFrom?.expressionFrom;
  const jitterFrom = delay.jitterDurationFrom?.expressionFrom;
  const durationOf = timeReader(from, delay.durationMilliseconds);
  const jitterOf = timeReader(jitterFrom, delay.jitterDurationMilliseconds);
  return (object, nowMs, random) => {
    const duration = durationOf(object, nowMs) ?? 0;
    const jitter = jitterOf(object, nowMs);
    if (jitter === undefined) return Math.max(0, duration);
    return Math.max(0, jitter < duration ? jitter : duration + random() * (jitter - duration));
  };
}

function timeReader(expressionText: string | undefined, fixedMs: number | undefined) {
  const expression = expressionText === undefined ? undefined : parseExpression(expressionText);
  return (object: KubeObject, nowMs: number): number | undefined => {
    const value = expression?.evaluate(object)[0];
    if (typeof value !== 'string') return fixedMs;
    const at = Date.parse(value);
    return Number.isNaN(at) ? (goDurationMs(value) ?? fixedMs) : at - nowMs;
  };
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `1h2m3.5s`; undefined for anything else. */
function goDurationMs(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) sum += Number(amount) * unitMs[unit!]!;
  return sum;
}
