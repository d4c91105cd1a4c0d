/** What a writing program asked for and was told, read from its lines. */
export class History {
  /** By token: the keys it writes, and how. In the order of asking. */
  readonly asked = new Map<
    string,
    { readonly keys: readonly string[]; readonly how: string; readonly relaxed: boolean }
  >();
  /** By token: the revision it was answered with. */
  readonly done = new Map<string, number>();
  /** The newest revision that an answer or a watch event spoke of. */
  newestRevision = 0;

  /** Takes in whole lines; a last one without its end was not said. */
  read(output: string): this {
    for (const line of output.split('\n').slice(0, -1)) this.readLine(line);
    return this;
  }

  readLine(line: string): void {
    const [what, subject = '', keys = '', how = '', durability = ''] = line.split(' ');
    if (what === 'ask') this.asked.set(subject, { keys: keys.split(','), how, relaxed: durability === 'relaxed' });
    else if (what === 'done') {
      this.done.set(subject, Number(keys));
      this.newestRevision = Math.max(this.newestRevision, Number(keys));
    } else if (what === 'seen') this.newestRevision = Math.max(this.newestRevision, Number(subject));
    else if (what !== 'opened') throw new Error(`the program said: ${line}`);
  }

  /**
   * What each key may hold: the last answered write of it, or any later one that was asked for ('none': deleted or
   * never written). After a power failure a relaxed write may be lost, answered or not.
   */
  possible(before: ReadonlyMap<string, readonly string[]>, afterPowerFailure = false): Map<string, string[]> {
    const possible = new Map([...before].map(([key, tokens]) => [key, [...tokens]]));
    for (const [token, { keys, how, relaxed }] of this.asked)
      for (const key of keys) {
        const outcome = how === 'delete' ? 'none' : token;
        const known = possible.get(key) ?? ['none'];
        const certain = this.done.has(token) && !(relaxed && afterPowerFailure);
        possible.set(key, certain ? [outcome] : [...known, outcome]);
      }
    return possible;
  }
}
