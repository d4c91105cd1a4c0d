/** Reads what ginkgo prints with --ginkgo.v, as it comes: which test began, how each ended, and the first line of why. */

export type Ending = 'passed' | 'failed' | 'interrupted' | 'skipped';

export interface OutputEvents {
  started(name: string): void;
  ended(name: string, ending: Ending, seconds: number, error: string): void;
}

const step = /^\s*STEP: (.*) @ [\d/]+ [\d:.]+$/;
const rule = /^-{30,}$/;
const end = /^(•|S|P|!)\s*(?:\[([A-Z]+)\]\s*)?\[([\d.]+) seconds\]/;
const failure = /^\s*\[(FAILED|PANICKED|TIMEDOUT|INTERRUPTED|ABORTED)\]\s*(.*)$/;
/** What follows a failure's text: `In [It] at: file:line @ time`. */
const place = /^\s*(?:In \[[A-Za-z]+\] (?:at:|- )|There were additional failures)/i;

export class GinkgoOutput {
  readonly #names: ReadonlySet<string>;
  readonly #events: OutputEvents;
  #rest = '';
  #afterRule = false;
  #current: string | undefined;
  /** Why comes after how: until the next rule, with the test named again. */
  #over: { readonly name: string; readonly ending: Ending; readonly seconds: number } | undefined;
  /** The latest that the test said it was about to do. */
  #step = '';
  #broken = false;
  #error: string[] = [];
  #inError = false;

  /** `names`: the tests that were asked for. */
  constructor(names: ReadonlySet<string>, events: OutputEvents) {
    this.#names = names;
    this.#events = events;
  }

  write(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  /** Nothing more will come. */
  end(): void {
    if (!this.#over) return;
    const { name, ending, seconds } = this.#over;
    this.#over = undefined;
    // That a user interrupted it says nothing; how far it came does.
    if (ending === 'interrupted') this.#error.unshift(`at '${this.#step}':`);
    this.#events.ended(name, ending, seconds, errorText(this.#error));
  }

  #line(line: string): void {
    if (rule.test(line)) {
      this.end();
      this.#afterRule = true;
      return;
    }
    if (this.#afterRule) {
      this.#afterRule = false;
      const name = this.#nameIn(line);
      if (name !== undefined && this.#current === undefined) {
        this.#current = name;
        this.#error = [];
        this.#inError = false;
        this.#step = '';
        this.#broken = false;
        this.#events.started(name);
        return;
      }
    }
    if (this.#over) this.#collectError(line);
    if (this.#current === undefined) return;
    const [, mark, label, seconds] = end.exec(line) ?? [];
    if (mark !== undefined) {
      this.#over = { name: this.#current, ending: endingOf(mark, label), seconds: Number(seconds) };
      this.#current = undefined;
      if (this.#over.ending === 'passed') this.end();
      return;
    }
    // From here on it cleans up.
    if (failure.test(line)) this.#broken = true;
    const said = step.exec(line)?.[1];
    if (said !== undefined && !this.#broken) this.#step = said;
  }

  /** The line is a test's name with its labels behind. */
  #nameIn(line: string): string | undefined {
    for (let at = line.length; at > 0; at = line.lastIndexOf(' [', at - 1)) {
      const name = line.slice(0, at);
      if (this.#names.has(name)) return name;
    }
    return undefined;
  }

  /** Only the first failure's own text: later ones follow from it. */
  #collectError(line: string): void {
    const [, , text] = failure.exec(line) ?? [];
    // That we ended it is no error of its own; what follows from it, on the next line, is.
    if (text?.startsWith('An interrupt occurred and then')) this.#inError = true;
    else if (text?.startsWith('Interrupted by User')) this.#inError = false;
    else if (text !== undefined && this.#error.length === 0 && !place.test(text)) {
      this.#inError = true;
      this.#error.push(text);
    } else if (this.#inError) {
      if (place.test(line)) this.#inError = false;
      else if (this.#error.length < 12) this.#error.push(line.trim());
    }
  }
}

function endingOf(mark: string, label: string | undefined): Ending {
  if (mark === 'S' || mark === 'P') return 'skipped';
  if (label === undefined) return 'passed';
  return label === 'INTERRUPTED' || label === 'TIMEDOUT' || label === 'ABORTED' ? 'interrupted' : 'failed';
}

/** One line that says it; ginkgo puts what was expected on lines of its own. */
function errorText(lines: readonly string[]): string {
  const text = lines.filter((line) => line !== '').join(' ');
  return text.length > 400 ? `${text.slice(0, 400)}...` : text;
}
