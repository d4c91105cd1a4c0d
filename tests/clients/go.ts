import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from './client.ts';
import { must } from './process.ts';
import { folderOf, programsMissing } from './toolchain.ts';

/** The first Go that the modules of the clients compile with. */
const oldest = [1, 26] as const;

/** A client that is a Go module: what it has in common with the others. */
export function goClient(
  name: string,
  module: string,
  rest: Pick<Client, 'steps' | 'run'>,
  packages: Readonly<Record<string, string>> = { scenario: '.' },
): Client {
  return {
    name,
    ...rest,
    missing: () => programsMissing('go'),
    async prepare(cache, log, signal) {
      mkdirSync(cache, { recursive: true });
      const version = /go(\d+)\.(\d+)/.exec(await must('go', ['version'], { env: { GOTOOLCHAIN: 'local' } }));
      const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
      if (major < oldest[0] || (major === oldest[0] && minor < oldest[1]))
        throw new Error(`Go ${major}.${minor} is older than ${oldest.join('.')}, which ${name} needs`);
      for (const [program, path] of Object.entries(packages)) {
        const env = { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local' };
        const args = ['build', '-ldflags', '-s -w', '-o', join(cache, program), path];
        await must('go', args, { cwd: folderOf(name), env, timeoutMs: 15 * 60_000, signal, onLine: log });
      }
      return moduleVersion(name, module);
    },
  };
}

/** The version that a client's go.mod requires of a module. */
function moduleVersion(client: string, module: string): string {
  const line = readFileSync(join(folderOf(client), 'go.mod'), 'utf8')
    .split('\n')
    .find((text) =>
      text
        .replace(/^require\s/, '')
        .trim()
        .startsWith(`${module} `),
    );
  return line?.split('//')[0]?.trim().split(' ').at(-1) ?? 'unknown';
}
