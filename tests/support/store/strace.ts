/** A write to a traced file, or one of its flushes, or a line that the program said. `start` and `end` are moments. */
export type TracedCall =
  | {
      readonly what: 'write';
      readonly file: string;
      readonly offset: number;
      readonly bytes: Buffer;
      /** The write is on the disk when it returns. */
      readonly through: boolean;
      readonly start: number;
      readonly end: number;
    }
  | {
      readonly what: 'sync' | 'resize' | 'rename';
      readonly file: string;
      readonly size: number;
      readonly start: number;
      readonly end: number;
    }
  | { readonly what: 'say'; readonly line: string; readonly start: number; readonly end: number };

/** What strace has to be told so that `readTrace` understands it. */
export const straceArguments = [
  '-f',
  '-y',
  '-xx',
  '-s',
  '1000000',
  '-e',
  'trace=openat,close,write,writev,pwrite64,pwritev,pwritev2,lseek,fsync,fdatasync,msync,ftruncate,fallocate,rename,renameat,renameat2',
];

interface Started {
  readonly text: string;
  readonly start: number;
}

/** Reads strace's output (with process ids). Moments are line numbers: strace prints what it sees in order. */
export function readTrace(trace: string): TracedCall[] {
  const calls: TracedCall[] = [];
  const unfinished = new Map<string, Started>();
  const through = new Map<string, boolean>();
  const positions = new Map<string, number>();
  const appends = new Set<string>();
  const spoken = { rest: '' };
  trace.split('\n').forEach((line, moment) => {
    const [, pid = '', text = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const cut = /^(.*?)\s*<unfinished \.\.\.>$/.exec(text);
    if (cut) {
      unfinished.set(pid, { text: cut[1]!, start: moment });
      return;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text);
    const begun = resumed ? unfinished.get(pid) : undefined;
    if (resumed && !begun) return;
    if (begun) unfinished.delete(pid);
    readCall(begun ? begun.text + resumed![1]! : text, begun?.start ?? moment, moment);
  });
  return calls;

  function readCall(text: string, start: number, end: number): void {
    const parsed = /^(\w+)\((.*)\)\s+= (-?\d+)(?:<[^>]*>)?/s.exec(text);
    if (!parsed) return;
    const [, name, args, returned] = parsed as unknown as [string, string, string, string];
    const result = Number(returned);
    const fd = /^(\d+)<((?:\\x[0-9a-f]{2}|[^>])*)>/.exec(args);
    const file = fd ? fileName(fd[2]!) : '';
    if (name === 'openat' && result >= 0) {
      through.set(`${result}`, /O_DSYNC|O_SYNC/.test(args));
      positions.set(`${result}`, 0);
      if (args.includes('O_APPEND')) appends.add(`${result}`);
      else appends.delete(`${result}`);
    } else if (name === 'lseek' && fd) positions.set(fd[1]!, result);
    else if ((name === 'fsync' || name === 'fdatasync') && result === 0)
      calls.push({ what: 'sync', file, size: 0, start, end });
    else if (name === 'ftruncate' && fd) {
      const size = Number(/, (\d+)$/.exec(args)![1]);
      calls.push({ what: 'resize', file, size, start, end });
      // What appends goes on at the new end.
      if (appends.has(fd[1]!)) positions.set(fd[1]!, size);
    } else if (name.startsWith('rename') && result === 0)
      calls.push({ what: 'rename', file: args, size: 0, start, end });
    else if (/write/.test(name) && fd && result > 0) {
      const bytes = Buffer.concat([...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map((match) => unhex(match[1]!)));
      const written = bytes.subarray(0, result);
      if (written.length < result) throw new Error(`strace shortened a ${name} of ${result} bytes`);
      if (fd[1] === '1') {
        const lines = (spoken.rest + written.toString('latin1')).split('\n');
        spoken.rest = lines.pop()!;
        for (const line of lines) calls.push({ what: 'say', line, start, end });
        return;
      }
      const positioned = name.startsWith('p');
      const offset = positioned
        ? Number((name === 'pwritev2' ? /, (\d+), \w+$/ : /, (\d+)$/).exec(args)![1])
        : (positions.get(fd[1]!) ?? 0);
      if (!positioned) positions.set(fd[1]!, offset + result);
      calls.push({ what: 'write', file, offset, bytes: written, through: through.get(fd[1]!) ?? false, start, end });
    } else if (name === 'msync' || name === 'fallocate')
      throw new Error(`the trace has a ${name}, which is not understood`);
  }
}

const unhex = (text: string) => Buffer.from(text.replaceAll('\\x', ''), 'hex');

/** With -xx the path of a descriptor is in hexadecimal too. */
function fileName(text: string): string {
  const path = text.startsWith('\\x') ? unhex(text).toString('latin1') : text;
  return path.slice(path.lastIndexOf('/') + 1);
}
