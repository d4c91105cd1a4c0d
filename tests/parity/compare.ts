import type { ApiAnswer } from './target.ts';

/**
 * An answer with what two servers cannot agree on (UIDs, revisions, times, addresses, ports, random names) replaced, as
 * lines: one for the status, one for each header that clients act on, one for each leaf of the body by its path.
 */
export function normalised(answer: ApiAnswer): string[] {
  const lines = [`status ${answer.status}`];
  for (const name of ['content-type', 'warning', 'location', 'retry-after', 'allow']) {
    const value = answer.headers[name];
    if (value !== undefined) lines.push(`${name}: ${plain([value].flat().join(', '))}`);
  }
  for (const [index, text] of documents(answer).entries()) {
    const prefix = index === 0 ? '' : `[${index}]`;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      lines.push(`${prefix}text ${JSON.stringify(plain(text.slice(0, 2000)))}`);
      continue;
    }
    leaves(value, prefix, '', undefined, lines);
  }
  return lines;
}

/** Lines of one answer that the other has not: `- theirs`, `+ ours`. Empty: they agree. */
export function differences(theirs: ApiAnswer, ours: ApiAnswer): string[] {
  const [a, b] = [normalised(theirs), normalised(ours)];
  const [inA, inB] = [new Set(a), new Set(b)];
  return [
    ...a.filter((line) => !inB.has(line)).map((line) => `- ${line}`),
    ...b.filter((l) => !inA.has(l)).map((l) => `+ ${l}`),
  ];
}

/** A watch answers with one document a line. */
function documents({ text }: ApiAnswer): string[] {
  if (text === '') return [];
  try {
    JSON.parse(text);
    return [text];
  } catch {
    const lines = text.split('\n').filter(Boolean);
    return lines.every((line) => line.startsWith('{')) ? lines : [text];
  }
}

const masked: ReadonlySet<string> = new Set([
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
  'time',
  'clusterIP',
  'nodePort',
  'healthCheckNodePort',
  'continue',
  'lastTransitionTime',
  'token',
  'expirationTimestamp',
  'serverAddress',
]);

function leaves(value: unknown, path: string, key: string, parent: unknown, lines: string[]): void {
  if (Array.isArray(value)) {
    if (value.length === 0) lines.push(`${path} = []`);
    const itemKey = key === 'clusterIPs' ? 'clusterIP' : '';
    for (const [i, item] of value.entries()) leaves(item, `${path}[${i}]`, itemKey, value, lines);
    return;
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    if (entries.length === 0) lines.push(`${path} = {}`);
    for (const [name, item] of entries) leaves(item, `${path}.${name}`, name, value, lines);
    return;
  }
  if (masked.has(key) && value !== '' && value !== null && value !== 'None') lines.push(`${path} = <${key}>`);
  else if (key === 'name' && typeof value === 'string') lines.push(`${path} = ${nameOf(value, parent)}`);
  else lines.push(`${path} = ${typeof value === 'string' ? JSON.stringify(plain(value)) : value}`);
}

/** Names made from generateName end in five letters of chance. */
function nameOf(value: string, parent: unknown): string {
  const base = (parent as { generateName?: string }).generateName;
  return JSON.stringify(base && value.startsWith(base) ? `${base}<random>` : plain(value));
}

function plain(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, '<time>')
    .replace(/\b(gen-|Bad_)[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, '$1<random>')
    .replace(/\b10\.(9[6-9]|10\d|11[01])(\.\d{1,3}){2}\b(?!\/)/g, '<service-ip>')
    .replace(/^\d+s$/, '<age>')
    .replace(/resourceVersion: "\d+"/g, 'resourceVersion: <revision>')
    .replace(/(Too large resource version: \d+, current: )\d+/, '$1<revision>')
    .replace(/127\.0\.0\.1:\d+/g, '<server>');
}
