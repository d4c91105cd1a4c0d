import type { ApiAnswer, ApiRequest, ApiTarget } from './target.ts';

/** A request, or one made from the answers before it (a continue token, a resourceVersion). */
export type Step = ApiRequest | ((answers: readonly ApiAnswer[]) => ApiRequest);

/** Requests one after the other in a namespace of their own; what is compared is every answer. */
export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
}

export interface PlayedStep {
  readonly title: string;
  readonly answer: ApiAnswer;
}

const namespaces = '/api/v1/namespaces';

/** Plays a scenario, whose number tells it from the others, against one target. The namespace is left as it is: targets do not live longer than a run. */
export async function play(target: ApiTarget, scenario: Scenario, number: number): Promise<PlayedStep[]> {
  const slug = scenario.name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const namespace = `s${number}-${slug}`.slice(0, 50).replace(/-$/, '');
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  const made = await target.request({ method: 'POST', path: namespaces, body });
  if (made.status !== 201)
    throw new Error(`${target.name}: making namespace ${namespace}: ${made.status} ${made.text}`);
  const played: PlayedStep[] = [];
  const answers: ApiAnswer[] = [];
  for (const step of scenario.steps) {
    const wanted = typeof step === 'function' ? step(answers) : step;
    const inNamespace = <T>(value: T): T => JSON.parse(JSON.stringify(value).replaceAll('{ns}', namespace)) as T;
    const answer = await target.request(inNamespace(wanted));
    answers.push(answer);
    const shown = wanted.path.length > 110 ? `${wanted.path.slice(0, 110)}...` : wanted.path;
    const accept = wanted.headers?.['accept'] ? ` as ${wanted.headers['accept'].slice(0, 40)}` : '';
    played.push({ title: `${played.length + 1} ${wanted.method} ${shown}${accept}`, answer });
  }
  return played;
}

/** The body of an answer; undefined where it is no JSON. */
// biome-ignore lint/suspicious/noExplicitAny: scenarios look into whatever came back
export function jsonOf(answer: ApiAnswer | undefined): any {
  try {
    return JSON.parse(answer?.text ?? '');
  } catch {
    return undefined;
  }
}
