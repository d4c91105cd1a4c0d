/** The parts of a cluster that must be ended: last added first, each even when another fails. */
export class Parts {
  readonly #parts: { readonly name: string; readonly stop: () => void | Promise<void> }[] = [];
  #stopping: Promise<void> | undefined;

  add(name: string, stop: () => void | Promise<void>): void {
    this.#parts.push({ name, stop });
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const errors: Error[] = [];
    for (const { name, stop } of this.#parts.reverse()) {
      try {
        await stop();
      } catch (error) {
        errors.push(new Error(`stopping ${name}: ${(error as Error).message}`, { cause: error }));
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, errors.map((e) => e.message).join('; '));
  }
}
