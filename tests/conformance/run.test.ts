import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { report, summary } from './report.ts';
import { Results } from './results.ts';
import { runSpecs } from './run.ts';
import type { Spec } from './specs.ts';

const directory = mkdtempSync(join(tmpdir(), 'skiff-conformance-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Says what ginkgo says. A test named `hangs` never ends, `flakes` fails the first time, `dies` ends the program. */
const program = join(directory, 'suite');
writeFileSync(
  program,
  `#!/bin/bash
echo '  I1123 e2e.go:109] Starting e2e run "12-ab" on Ginkgo node 1'
for arg; do [[ $arg != --ginkgo.focus=* ]] || focus=\${arg#--ginkgo.focus=}; done
for name in passes fails hangs flakes dies; do
  [[ $focus == *"$name"* ]] || continue
  printf '%s\\n' ------------------------------ "[sig-x] $name [sig-x]" '  STEP: trying it @ 11/23/26 22:04:37.675'
  case $name in
    hangs) trap 'printf "%s\\n" "• [INTERRUPTED] [0.2 seconds]" "  [INTERRUPTED] Interrupted by User"; exit 1' INT; while :; do sleep 0.01; done ;;
    dies) exit 2 ;;
    fails) echo '• [FAILED] [0.1 seconds]'; echo '  [FAILED] it | is /src/test/e2e/a.go'; echo '  In [It] at: /x' ;;
    flakes) if [ -e ${directory}/flaked ]; then echo '• [0.1 seconds]'; else touch ${directory}/flaked; echo '• [FAILED] [0.1 seconds]'; echo '  [FAILED] once'; fi ;;
    *) echo '• [0.1 seconds]' ;;
  esac
done
`,
  { mode: 0o755 },
);

const spec = (what: string, serial = false): Spec => ({
  name: `[sig-x] ${what}`,
  sig: 'x',
  serial,
  slow: false,
  file: 'x.go',
});

it.runIf(process.platform === 'linux')(
  'a run records how each test ended, whatever it does to its process',
  async () => {
    const specs = [spec('passes'), spec('fails'), spec('hangs'), spec('flakes', true), spec('dies')];
    const file = join(directory, 'results.json');
    const results = new Results(file, 'v1');
    const cleaned: string[] = [];
    const options = { program, kubectl: 'kubectl', kubeconfig: 'none', specTimeoutMs: 200, parallel: 2, retries: 1 };
    await runSpecs(
      specs,
      { ...options, logDir: join(directory, 'logs'), signal: new AbortController().signal },
      {
        results,
        problem: async () => undefined,
        cleanUp: async (runId) => void cleaned.push(runId),
        say: () => {},
      },
    );
    const known = new Results(file, 'v1');
    const states = specs.map((each) => [known.get(each)?.state, known.get(each)?.flaky, known.get(each)?.error]);
    expect(states).toEqual([
      ['passed', false, ''],
      ['failed', false, 'it | is /src/test/e2e/a.go'],
      ['timed out', false, "at 'trying it':"],
      ['passed', true, 'once'],
      ['failed', false, 'the test program died'],
    ]);
    expect(new Set(cleaned)).toEqual(new Set(['12-ab']));
    expect(summary(specs, known)).toBe('2 passed, 2 failed, 1 timed out, 0 skipped, 0 not run');
    const text = report([...specs, spec('is left out')], known, { version: 'v1', date: 'today', machine: 'this' });
    expect(text).toContain('| **all** | **6** | **2** | **2** | **1** | **0** | **1** |');
    expect(text).toContain('| \\[sig-x\\] fails | failed | it \\| is test/e2e/a.go |');
    expect(text).toContain('## Flaky');
    expect(new Results(file, 'v2').get(specs[0]!)).toBeUndefined();
  },
);

it.runIf(process.platform === 'linux')('a run ends when the cluster does not answer any more', async () => {
  const results = new Results(join(directory, 'dead.json'), 'v1');
  const options = { program, kubectl: 'kubectl', kubeconfig: 'none', specTimeoutMs: 200, parallel: 1, retries: 3 };
  const run = runSpecs(
    [spec('fails'), spec('passes')].map((each) => ({ ...each, slow: true })),
    { ...options, logDir: join(directory, 'logs'), signal: new AbortController().signal },
    { results, problem: async () => 'it is gone', cleanUp: async () => {}, say: () => {} },
  );
  await expect(run).rejects.toThrow('it is gone');
  expect(results.get(spec('fails'))?.state).toBe('failed');
  expect(results.get(spec('passes'))).toBeUndefined();
});
