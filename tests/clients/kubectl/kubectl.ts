import type { Surroundings } from '../client.ts';
import { type Finished, run } from '../process.ts';

/** A kubectl of one version at work in the scenario's namespace. */
export class Kubectl {
  readonly #program: string;
  readonly #given: Surroundings;

  constructor(program: string, given: Surroundings) {
    this.#program = program;
    this.#given = given;
  }

  /** Runs it to its end, whatever its exit code. `input` is its standard input. */
  async try(
    args: readonly string[],
    input?: string,
    kubeconfig = this.#given.kubeconfig,
    env: NodeJS.ProcessEnv = {},
  ): Promise<Finished> {
    const finished = await run(this.#program, ['--namespace', this.#given.namespace, ...args], {
      timeoutMs: 60_000,
      signal: this.#given.signal,
      env: { KUBECONFIG: kubeconfig, KUBECACHEDIR: `${this.#given.scratch}/cache`, ...env },
      ...(input === undefined ? {} : { input }),
    });
    this.#given.log(`$ kubectl ${args.join(' ')}: ${finished.code}\n${finished.stdout}${finished.stderr}`);
    return finished;
  }

  /** Rejects with what it said unless it ends with 0. Gives stdout. */
  async do(...args: string[]): Promise<string> {
    return this.given(undefined, ...args);
  }

  /** The same with an object (or text) as standard input. */
  async given(input: object | string | undefined, ...args: string[]): Promise<string> {
    const text = typeof input === 'object' ? JSON.stringify(input) : input;
    const { code, stdout, stderr } = await this.try(args, text);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit code ${code}: ${stderr || stdout}`);
    return stdout;
  }

  /** Runs a command that opens an editor. */
  async withEditor(editor: string, ...args: string[]): Promise<void> {
    const { code, stderr } = await this.try(args, '', this.#given.kubeconfig, { KUBE_EDITOR: editor });
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit code ${code}: ${stderr}`);
  }

  /** Wants it to end with `code`, and says what it wrote to both streams. */
  async refused(code: number, pattern: RegExp, args: readonly string[], input?: object): Promise<void> {
    const finished = await this.try(args, input && JSON.stringify(input));
    const said = `${finished.stdout}${finished.stderr}`;
    if (finished.code !== code || !pattern.test(said))
      throw new Error(`kubectl ${args.join(' ')}: want ${code} and ${pattern}, got ${finished.code}: ${said}`);
  }

  /**
   * Runs it beside `work`, which is handed a function that waits for a line; ends it after.
   */
  async beside<T>(
    args: readonly string[],
    work: (line: (pattern: RegExp) => Promise<string>) => Promise<T>,
  ): Promise<T> {
    const ending = new AbortController();
    const lines: string[] = [];
    let wake = () => {};
    const running = run(this.#program, ['--namespace', this.#given.namespace, ...args], {
      timeoutMs: 60_000,
      signal: AbortSignal.any([this.#given.signal, ending.signal]),
      env: { KUBECONFIG: this.#given.kubeconfig, KUBECACHEDIR: `${this.#given.scratch}/cache` },
      onLine: (line) => {
        lines.push(line);
        wake();
      },
    });
    let over = false;
    running.finally(() => {
      over = true;
      wake();
    });
    const line = async (pattern: RegExp): Promise<string> => {
      for (;;) {
        const found = lines.findIndex((text) => pattern.test(text));
        if (found >= 0) return lines.splice(0, found + 1).at(-1)!;
        if (over) throw new Error(`kubectl ${args.join(' ')}: no line like ${pattern} in: ${lines.join(' ')}`);
        await new Promise<void>((done) => (wake = done));
      }
    };
    try {
      return await work(line);
    } finally {
      ending.abort();
      await running;
    }
  }
}
