import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../client.ts';
import { must } from '../process.ts';
import { runProgram } from '../program.ts';
import { commonSteps } from '../steps.ts';
import { digestOf, folderOf, once, programsMissing } from '../toolchain.ts';

/** The Java client; Maven builds in the cache, where a copy of the folder is. */
export const fabric8: Client = {
  name: 'fabric8',
  steps: [...commonSteps, 'informers'],
  missing: () => programsMissing('java', 'javac', 'mvn'),
  async prepare(cache, log, signal) {
    const folder = folderOf('fabric8');
    await once(cache, digestOf('fabric8'), async () => {
      rmSync(join(cache, 'build'), { recursive: true, force: true });
      for (const what of ['pom.xml', 'src'])
        cpSync(join(folder, what), join(cache, 'build', what), { recursive: true });
      const goals = ['compile', 'dependency:copy-dependencies', '-DoutputDirectory=target/packages'];
      const options = { cwd: join(cache, 'build'), timeoutMs: 10 * 60_000, signal, onLine: log };
      await must('mvn', ['--batch-mode', '--quiet', ...goals], options);
    });
    return `v${/<fabric8.version>(.*)</.exec(readFileSync(join(folder, 'pom.xml'), 'utf8'))?.[1]}`;
  },
  run(cache, given) {
    const build = join(cache, 'build/target');
    return runProgram(['java', '-Xmx512m', '-cp', `${build}/classes:${build}/packages/*`, 'Scenario'], given);
  },
};
