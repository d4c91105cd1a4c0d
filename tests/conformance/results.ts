import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Spec } from './specs.ts';

export type State = 'passed' | 'failed' | 'timed out' | 'skipped';

export interface Result {
  readonly state: State;
  /** Passed, but not the first time. */
  readonly flaky: boolean;
  /** Of the attempt that counts. */
  readonly seconds: number;
  /** The first line of why, of the first attempt that failed; empty when it passed at once. */
  readonly error: string;
  readonly attempts: number;
  /** When it ended. */
  readonly at: string;
}

interface File {
  readonly version: string;
  readonly results: Readonly<Record<string, Result>>;
}

/** The latest outcome of every test, written after each: a run that is cut short keeps what it has. */
export class Results {
  readonly #file: string;
  readonly #version: string;
  readonly #results: Map<string, Result>;

  /** Outcomes of another version of the suite are forgotten. */
  constructor(file: string, version: string) {
    this.#file = file;
    this.#version = version;
    const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as File) : undefined;
    this.#results = new Map(known?.version === version ? Object.entries(known.results) : []);
  }

  get(spec: Pick<Spec, 'name'>): Result | undefined {
    return this.#results.get(spec.name);
  }

  set(spec: Pick<Spec, 'name'>, result: Result): void {
    this.#results.set(spec.name, result);
    this.#write();
  }

  forget(specs: readonly Pick<Spec, 'name'>[]): void {
    for (const { name } of specs) this.#results.delete(name);
    this.#write();
  }

  #write(): void {
    const sorted = [...this.#results].sort(([a], [b]) => (a < b ? -1 : 1));
    const file: File = { version: this.#version, results: Object.fromEntries(sorted) };
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(`${this.#file}.part`, `${JSON.stringify(file, null, 1)}\n`);
    renameSync(`${this.#file}.part`, this.#file);
  }
}
