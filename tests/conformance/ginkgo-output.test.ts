import { expect, it } from 'vitest';
import { GinkgoOutput } from './ginkgo-output.ts';

const rule = '-'.repeat(30);
const text = `  I1123 e2e.go:109] Starting e2e run "1" on Ginkgo node 1
${rule}
[SynchronizedBeforeSuite] PASSED [0.039 seconds]
${rule}
[sig-a] A should work [Slow] [Conformance] [sig-a, Conformance]
/src/test/e2e/a.go:1
  STEP: making @ 11/23/26
• [0.085 seconds]
${rule}
[sig-b] B should fail [Conformance] [sig-b, Conformance]
/src/test/e2e/b.go:1
  [FAILED] in [It] - /src/test/e2e/b.go:145 @ 11/23/26 22:04:43.839
  STEP: Destroying namespace "b-1" for this suite. @ 11/23/26
• [FAILED] [4.092 seconds]
[sig-b] B [It] should fail [Conformance] [sig-b, Conformance]
/src/test/e2e/b.go:1

  [FAILED] failed to ensure job failure: Told to stop.
  Unexpected final error:
      <*errors.errorString>: x
  In [It] at: /src/test/e2e/b.go:145 @ 11/23/26 22:04:43.839
  Full Stack Trace
${rule}
[sig-c] C is left out [Conformance] [sig-c, Conformance]
S [SKIPPED] [0.010 seconds]
${rule}
[sig-d] D hangs [Conformance] [sig-d, Conformance]
  STEP: waiting for it @ 11/23/26 22:06:05.176
  [INTERRUPTED] in [It] - /src/test/e2e/d.go:9 @ 11/23/26 22:06:05.176
  STEP: deleting it @ 11/23/26 22:06:06.176
• [INTERRUPTED] [60.5 seconds]

  [INTERRUPTED] Interrupted by User
  In [It] at: /src/test/e2e/d.go:9 @ 11/23/26
`;

it('what ginkgo prints is read as it comes, however it is cut', () => {
  for (const size of [1, 7, text.length]) {
    const events: unknown[] = [];
    const names = ['[sig-a] A should work [Slow] [Conformance]', '[sig-b] B should fail [Conformance]'];
    const all = new Set([...names, '[sig-c] C is left out [Conformance]', '[sig-d] D hangs [Conformance]']);
    const output = new GinkgoOutput(all, {
      started: (name) => events.push(name),
      ended: (...outcome) => events.push(outcome),
    });
    for (let at = 0; at < text.length; at += size) output.write(text.slice(at, at + size));
    output.end();
    expect(events).toEqual([
      names[0],
      [names[0], 'passed', 0.085, ''],
      names[1],
      [
        names[1],
        'failed',
        4.092,
        'failed to ensure job failure: Told to stop. Unexpected final error: <*errors.errorString>: x',
      ],
      '[sig-c] C is left out [Conformance]',
      ['[sig-c] C is left out [Conformance]', 'skipped', 0.01, ''],
      '[sig-d] D hangs [Conformance]',
      ['[sig-d] D hangs [Conformance]', 'interrupted', 60.5, "at 'waiting for it':"],
    ]);
  }
});
