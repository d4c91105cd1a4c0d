/** `skiff reset`: the end of a cluster. Asks first, unless told not to. */
import { existsSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { dataDirAt, readIdentity } from '../data-dir.ts';
import { down } from './down.ts';
import { UsageError } from '../usage-error.ts';

export async function reset(path: string, yes: boolean): Promise<void> {
  const dir = dataDirAt(path);
  if (!existsSync(dir.root)) {
    console.error(`no cluster in ${dir.root}`);
    return;
  }
  if (!readIdentity(dir))
    throw new Error(
      `reset ${dir.root}: it has no skiff.json, so it is not known to be Skiff's; remove it yourself if it is`,
    );
  if (!yes) {
    if (!process.stdin.isTTY) throw new UsageError(`reset ${dir.root}: nobody to ask; say --yes`);
    const ask = createInterface({ input: process.stdin, output: process.stderr });
    const answer = await ask.question(`Delete the cluster in ${dir.root} with everything in it? [y/N] `);
    ask.close();
    if (!/^y(es)?$/i.test(answer.trim())) {
      console.error('kept');
      return;
    }
  }
  await down(dir.root);
  rmSync(dir.root, { recursive: true, force: true });
  console.error(`deleted ${dir.root}`);
}
