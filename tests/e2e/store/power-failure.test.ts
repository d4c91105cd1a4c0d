import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom, randomInt, type Random } from '../../../src/base/random.ts';
import { bundleProgram } from '../../support/store/bundle.ts';
import { History } from '../../support/store/history.ts';
import { readTrace, straceArguments, type TracedCall } from '../../support/store/strace.ts';

const answers = 400;
const cuts = 200;
const sectorBytes = 512;
const pageBytes = 4096;
const seed = 20_261_123;

interface Image {
  readonly moment: number;
  readonly dir: string;
  readonly torn: number;
}

/**
 * A killed process proves nothing about the disk. So a writing store is traced down to its system calls, and the trace
 * is asked two questions: was everything that left the process flushed before, and which files could a power failure
 * have left behind at any moment, and do they open?
 */
describe('the disk under a writing store', () => {
  const work = mkdtempSync(join(tmpdir(), 'skiff-store-power-'));
  let program: Awaited<ReturnType<typeof bundleProgram>>;
  let calls: TracedCall[] = [];

  beforeAll(async () => {
    program = await bundleProgram();
    const trace = join(work, 'trace');
    const dir = join(work, 'store');
    const child = spawn(
      'strace',
      [...straceArguments, '-o', trace, process.execPath, program.file, 'write', dir, String(seed), String(answers)],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code, 'strace (Debian package strace) ran the program to its end').toBe(0);
    calls = readTrace(readFileSync(trace, 'latin1'));
    rmSync(trace);
  });

  afterAll(() => {
    program.dispose();
    rmSync(work, { recursive: true, force: true });
  });

  const said = (before = Number.POSITIVE_INFINITY) => {
    const history = new History();
    for (const call of calls) if (call.what === 'say' && call.start < before) history.readLine(call.line);
    return history;
  };
  const toData = () => calls.filter((call) => call.what !== 'say' && call.file === 'data.mdb');

  /** When what was written by `moment` became what a reader finds: pages flushed, then the meta page written through. */
  function durableAt(moment: number): number {
    const sync = toData().find((call) => call.what === 'sync' && call.start > moment);
    const meta = toData().find(
      (call) => call.what === 'write' && call.through && call.offset < 2 * pageBytes && call.start > (sync?.end ?? 1e9),
    );
    return meta?.end ?? Number.POSITIVE_INFINITY;
  }

  /** What left the process before it was flushed; and how much was looked at. */
  function leaks(): { early: string[]; answers: number; events: number } {
    const history = said();
    const durable = new Map<string, number>();
    const pageWrites = toData().flatMap((call) => (call.what === 'write' && !call.through ? [call] : []));
    for (const token of history.done.keys()) {
      const written = pageWrites.find((call) => call.bytes.includes(`<${token}|`));
      if (written) durable.set(token, durableAt(written.end));
    }
    // Relaxed writes promise no flush. A deletion leaves no bytes of its own to look for; it shares its flush with what was written beside it.
    const puts = [...history.done].filter(([token]) => {
      const { how, relaxed } = history.asked.get(token)!;
      return how === 'put' && !relaxed;
    });
    const revisionOf = new Map(puts);
    const report = { early: [] as string[], answers: 0, events: 0 };
    for (const call of calls) {
      if (call.what !== 'say') continue;
      const [what, subject = ''] = call.line.split(' ');
      const spokenOf =
        what === 'done'
          ? puts.filter(([token]) => token === subject)
          : what === 'seen'
            ? puts.filter(([token]) => revisionOf.get(token)! <= Number(subject))
            : [];
      for (const [token] of spokenOf) {
        if (!((durable.get(token) ?? Number.POSITIVE_INFINITY) < call.start)) report.early.push(call.line);
        if (what === 'done') report.answers++;
        else report.events++;
      }
    }
    return report;
  }

  it('was flushed before any answer or watch event spoke of it', () => {
    const report = leaks();
    expect(report.early).toEqual([]);
    expect(report.answers).toBeGreaterThan(answers / 5);
    expect(report.events).toBeGreaterThan(answers / 5);
  });

  it('would have been caught without its flushes (the check itself is checked)', () => {
    const all = calls;
    try {
      calls = all.filter((call) => call.what !== 'sync');
      expect(leaks().early.length).toBeGreaterThan(answers / 5);
      calls = all.filter((call) => call.what !== 'write' || !call.through);
      expect(leaks().early.length).toBeGreaterThan(answers / 5);
    } finally {
      calls = all;
    }
  });

  it('opens after a cut at any moment, with every answered write, whatever became of the unflushed ones', async () => {
    const random = new SeededRandom(seed);
    const lastMoment = calls[calls.length - 1]!.end;
    const images: Image[] = [];
    for (let i = 0; i < cuts; i++) images.push(makeImage(i, randomInt(random, lastMoment), random));
    // And around every way that a commit can be half done, the last one of the run: between each two of its calls.
    const lastWrites = toData().slice(-40);
    for (const call of lastWrites) images.push(makeImage(images.length, call.start + 0.5, random));
    const reports = await check(images.map((image) => image.dir));
    expect(images.filter((image) => image.torn > 0).length).toBeGreaterThan(cuts / 10);
    images.forEach((image, i) => {
      const report = reports[i]!;
      const where = `cut ${i} at moment ${image.moment} of ${lastMoment} (seed ${seed})`;
      expect(report.error, `${where}: ${report.message}`).toBeUndefined();
      const history = said(image.moment);
      expect(report.revision, where).toBeGreaterThanOrEqual(Math.max(1, history.newestRevision));
      const now = new Map(report.tokens!.map(([key, token]) => [key, token]));
      const possible = history.possible(new Map(), true);
      for (const [key, token] of now) expect(possible.get(key), `${where}: what ${key} may hold`).toContain(token);
      for (const [key, tokens] of possible) if (!now.has(key)) expect(tokens, `${where}: ${key}`).toContain('none');
    });
  });

  /** The directory as a power failure at `moment` may leave it. */
  function makeImage(number: number, moment: number, random: Random): Image {
    const dir = join(work, `cut-${number}`);
    mkdirSync(dir);
    const data = imageOf('data.mdb', moment, random);
    writeFileSync(join(dir, 'data.mdb'), data.bytes);
    const log = imageOf('relaxed.log', moment, random);
    if (log.bytes.length > 0) writeFileSync(join(dir, 'relaxed.log'), log.bytes);
    // The marker's name is flushed by the directory's own fsync, before the first answer; so is the session's.
    const marker = calls.find((call) => call.what === 'rename');
    const named = calls.find((call) => call.what === 'sync' && call.file === 'store' && call.start > marker!.end);
    if (named!.end < moment) writeFileSync(join(dir, 'store.json'), '{"format":1}\n');
    const session = calls.find((call) => call.what === 'sync' && call.file === 'store.session');
    const begun = calls.find((call) => call.what === 'sync' && call.file === 'store' && call.start > session!.end);
    if (begun!.end < moment) writeFileSync(join(dir, 'store.session'), 'another life of the machine\n');
    return { moment, dir, torn: data.torn };
  }

  /** What was flushed is in the file, the rest is there, gone or torn. */
  function imageOf(file: string, moment: number, random: Random): { readonly bytes: Buffer; readonly torn: number } {
    const ofFile = calls.flatMap((call) => (call.what !== 'say' && call.file === file ? [call] : []));
    const largest = Math.max(0, ...ofFile.map((call) => (call.what === 'write' ? call.offset + call.bytes.length : 0)));
    const syncs = ofFile.filter((call) => call.what === 'sync' && call.end < moment);
    const image = Buffer.alloc(largest);
    let size = 0;
    let torn = 0;
    // Some cuts lose all that was not flushed, some keep all of it, most a random part.
    const mood = random.next();
    const keep = mood < 0.15 ? 0 : mood < 0.3 ? 1 : random.next();
    for (const call of ofFile) {
      if (call.start >= moment) break;
      const flushed =
        (call.what === 'write' && call.through && call.end < moment) || syncs.some((sync) => sync.start > call.end);
      if (call.what === 'resize' && (flushed || random.next() < keep)) image.fill(0, (size = call.size));
      if (call.what !== 'write') continue;
      const unit = random.next() < 0.5 ? sectorBytes : pageBytes;
      for (let at = 0; at < call.bytes.length; at += unit) {
        const part = call.bytes.subarray(at, at + unit);
        if (!flushed && random.next() >= keep) torn++;
        else {
          size = Math.max(size, call.offset + at + part.length);
          part.copy(image, call.offset + at);
        }
      }
    }
    return { bytes: image.subarray(0, size), torn };
  }

  interface Report {
    readonly error?: string;
    readonly message?: string;
    readonly revision?: number;
    readonly tokens?: readonly (readonly [string, string, number])[];
  }

  /** In a process of its own: what is broken badly enough would take the process with it. */
  async function check(dirs: readonly string[]): Promise<Report[]> {
    const child = spawn(process.execPath, [program.file, 'check'], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(dirs.map((dir) => `${dir}\n`).join(''));
    const reports: Report[] = [];
    for await (const line of createInterface({ input: child.stdout })) reports.push(JSON.parse(line) as Report);
    expect(reports.length, 'every cut was looked at; the next one ended the process').toBe(dirs.length);
    return reports;
  }
});
