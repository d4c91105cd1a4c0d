/** /statusz and /flagz (KEP-4827, KEP-4828): what a component is and with which flags it runs, for people and for tools. */
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { stringifyYaml } from '../../machinery/codec/yaml.ts';
import { newNotAcceptable } from '../../machinery/status/errors.ts';
import type { WireHeaders, WireResponse } from '../../machinery/wire.ts';
import { jsonResponse, textResponse } from '../filters/status-response.ts';
import { type AcceptClause, parseAccept } from '../handlers/negotiate.ts';
import type { RequestContext } from '../request-context.ts';
import { versionInfo } from '../version.ts';

export interface ZPagesOptions {
  /** As in the first line and in `metadata.name`: `apiserver`. */
  readonly component: string;
  readonly startedMs: number;
  /** Flags by name, values as text. */
  readonly flags: Readonly<Record<string, string>>;
  /** Paths that the component serves besides its API. */
  readonly paths: readonly string[];
}

const mediaTypes = ['application/json', 'application/yaml', 'text/plain'];
const group = 'config.k8s.io';
const versions = ['v1alpha1', 'v1beta1'];
/** Any of them: nobody is to read the text form by machine. */
const delimiters = [':', ': ', '=', ' '];

type Form = { readonly type: 'text' } | { readonly type: 'json' | 'yaml'; readonly version: string };

/** What is read of a request. */
export interface PageRequest {
  readonly info: Pick<RequestContext['info'], 'path'>;
  readonly request: Pick<RequestContext['request'], 'headers'>;
}

export class ZPages {
  readonly #options: ZPagesOptions;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(options: ZPagesOptions, deps: { readonly clock: Clock; readonly random: Random }) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#random = deps.random;
  }

  /** Undefined for other paths. Throws StatusError 406 for a form that there is not. */
  answer(context: PageRequest): WireResponse | undefined {
    const { path } = context.info;
    if (path !== '/statusz' && path !== '/flagz') return undefined;
    const page = path === '/statusz' ? 'statusz' : 'flagz';
    const kind = path === '/statusz' ? 'Statusz' : 'Flagz';
    const form = formOf(context.request.headers.accept, kind);
    if (form.type === 'text') return textResponse(200, `${heading(this.#options.component, page)}${this.#text(page)}`);
    const value = {
      kind,
      apiVersion: `${group}/${form.version}`,
      metadata: { name: this.#options.component },
      ...(page === 'statusz' ? this.#status() : { flags: sorted(this.#options.flags) }),
    };
    const headers = deprecation(form.version, page);
    if (form.type === 'json') return jsonResponse(200, value, headers);
    return textResponse(200, stringifyYaml(value), { 'content-type': 'application/yaml', ...headers });
  }

  #status() {
    return {
      startTime: `${new Date(this.#options.startedMs).toISOString().slice(0, 19)}Z`,
      uptimeSeconds: Math.floor(this.#upMs / 1000),
      goVersion: versionInfo.goVersion,
      binaryVersion: versionInfo.gitVersion.slice(1),
      emulationVersion: `${versionInfo.emulationMajor}.${versionInfo.emulationMinor}`,
      paths: this.#options.paths,
    };
  }

  #text(page: 'statusz' | 'flagz'): string {
    const by = delimiters[Math.floor(this.#random.next() * delimiters.length)]!;
    if (page === 'flagz')
      return Object.entries(sorted(this.#options.flags))
        .map(([name, value]) => `${name}${by}${value}\n`)
        .join('');
    const { goVersion, binaryVersion, emulationVersion, paths } = this.#status();
    return [
      '',
      `Started${by} ${unixDate(this.#options.startedMs)}`,
      `Up${by} ${upText(this.#upMs)}`,
      `Go version${by} ${goVersion}`,
      `Binary version${by} ${binaryVersion}`,
      `Emulation version${by} ${emulationVersion}`,
      `Paths${by} ${paths.join(' ')}`,
      '',
    ].join('\n');
  }

  get #upMs(): number {
    return this.#clock.now() - this.#options.startedMs;
  }
}

const heading = (component: string, page: string): string => `
${component} ${page}
Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.
`;

/** No Accept, or anything: text. JSON and YAML only with `as`, `g` and `v`. */
function formOf(accept: string | undefined, kind: string): Form {
  if ((accept ?? '').trim() === '') return { type: 'text' };
  for (const clause of parseAccept(accept!)) {
    const form = formOfClause(clause, kind);
    if (form !== undefined) return form;
  }
  throw newNotAcceptable(mediaTypes);
}

function formOfClause({ type, params }: AcceptClause, kind: string): Form | undefined {
  const as = params.get('as');
  if (as === undefined) return ['*/*', 'text/*', 'text/plain'].includes(type) ? { type: 'text' } : undefined;
  const version = params.get('v') ?? '';
  if (as !== kind || params.get('g') !== group || !versions.includes(version)) return undefined;
  if (['*/*', 'application/*', 'application/json'].includes(type)) return { type: 'json', version };
  return type === 'application/yaml' ? { type: 'yaml', version } : undefined;
}

const deprecation = (version: string, page: string): WireHeaders =>
  version === 'v1alpha1'
    ? {
        warning: `299 - "This version of the ${page} endpoint is deprecated. Please use a newer version."`,
      }
    : {};

const sorted = (flags: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(flags).sort(([a], [b]) => (a < b ? -1 : 1)));

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Mon Jan _2 15:04:05 UTC 2006`. */
function unixDate(ms: number): string {
  const date = new Date(ms);
  const day = String(date.getUTCDate()).padStart(2, ' ');
  const time = date.toISOString().slice(11, 19);
  return `${days[date.getUTCDay()]} ${months[date.getUTCMonth()]} ${day} ${time} UTC ${date.getUTCFullYear()}`;
}

/** `0 hr 00 min 04 sec`. */
function upText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${Math.floor(seconds / 3600)} hr ${two(Math.floor(seconds / 60) % 60)} min ${two(seconds % 60)} sec`;
}
