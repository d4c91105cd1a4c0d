/** An explanation for people. */
import type { Explanation, Refusal, Waiting } from '../../scheduler/explain/explanation.ts';

/** Names of nodes on one line; `--output json` has them all. */
const shownNames = 5;

export function whyText(explanation: Explanation, nowMs: number): string {
  const pod = `${explanation.namespace}/${explanation.name}`;
  switch (explanation.state) {
    case 'scheduled':
      return `${pod} does not wait: it is on node ${explanation.nodeName}`;
    case 'binding':
      return `${pod} is being bound to node ${explanation.nodeName}`;
    case 'terminal':
      return `${pod} does not wait: it has ended`;
    case 'notOurs':
      return `${pod} is not in this scheduler's queue: its schedulerName is ${explanation.schedulerName}`;
    default:
      return waitingText(pod, explanation, nowMs);
  }
}

function waitingText(pod: string, waiting: Waiting, nowMs: number): string {
  const { state, attempts, lastMessage, heldBy, nominatedNodeName, refusals, fits, wakes } = waiting;
  const lines = [
    `${pod} has no node: ${stateText(waiting, nowMs)}, after ${attempts} attempt${attempts === 1 ? '' : 's'}`,
  ];
  if (heldBy) lines.push(`held by ${heldBy.plugin}: ${heldBy.reasons.join(', ')}`);
  if (nominatedNodeName) lines.push(`promised to it: node ${nominatedNodeName}`);
  if (lastMessage) lines.push(`the last attempt said: ${lastMessage}`);
  if (refusals.length + fits.length === 0) lines.push('there are no nodes');
  if (refusals.length > 0) {
    lines.push('refused now by');
    for (const [text, nodes] of groups(refusals)) lines.push(`  ${text}: ${names(nodes)}`);
  }
  if (fits.length > 0) lines.push(`would be taken now by ${names(fits)}`);
  if (state === 'unschedulable' || state === 'gated') {
    lines.push('tried again upon');
    for (const { plugin, events } of wakes) lines.push(`  ${plugin === '' ? '' : `${plugin}: `}${events.join(', ')}`);
    if (state === 'unschedulable') lines.push('  5 minutes without any of these');
  }
  return lines.join('\n');
}

function stateText({ state, retryAtMs }: Waiting, nowMs: number): string {
  switch (state) {
    case 'active':
      return 'its turn comes next';
    case 'inFlight':
      return 'it is being placed';
    case 'gated':
      return 'it is held before nodes are looked at';
    case 'unschedulable':
      return 'no node took it';
    case 'backoff':
    case 'errorBackoff': {
      const left = Math.max(0, Math.ceil(((retryAtMs ?? nowMs) - nowMs) / 1000));
      return `${state === 'errorBackoff' ? 'an error came between, ' : ''}it is tried again in ${left} s`;
    }
  }
}

/** Nodes by plugin and reasons, the most frequent first. */
function groups(refusals: readonly Refusal[]): readonly (readonly [string, readonly string[]])[] {
  const byText = new Map<string, string[]>();
  for (const { node, plugin, reasons, unresolvable } of refusals) {
    const note = unresolvable ? ' (no matter which pods end)' : '';
    const text = `${plugin === '' ? '' : `${plugin}: `}${reasons.join(', ')}${note}`;
    const nodes = byText.get(text);
    if (nodes === undefined) byText.set(text, [node]);
    else nodes.push(node);
  }
  return [...byText].sort(([, a], [, b]) => b.length - a.length);
}

function names(nodes: readonly string[]): string {
  const shown = [...nodes].sort().slice(0, shownNames).join(', ');
  const more = nodes.length - shownNames;
  return `${nodes.length} node${nodes.length === 1 ? '' : 's'} (${shown}${more > 0 ? ` and ${more} more` : ''})`;
}
