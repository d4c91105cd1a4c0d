// Every scenario that is also played against upstream: our server says the same over HTTPS and called as a function.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { differences } from '../../parity/compare.ts';
import { play } from '../../parity/scenario.ts';
import { scenarios } from '../../parity/scenarios/index.ts';
import { startDirect, startOurs } from '../../parity/servers.ts';
import type { ApiTarget } from '../../parity/target.ts';

let targets: readonly [ApiTarget, ApiTarget];
beforeAll(async () => {
  targets = await Promise.all([startOurs(), startDirect()]);
});
afterAll(() => Promise.all(targets.map((target) => target.close())));

/** What these are told of changes a moment after it is written, by a loop of the server's own: answers race with it. */
const racing = /^verbs .*(customresourcedefinitions|apiservices|flowschemas|servicecidrs|services)$/;
const steady = scenarios.filter(({ name }) => !racing.test(name));

describe('both transports', () => {
  test.each(steady.map((scenario, number) => [scenario.name, scenario, number] as const))(
    '%s',
    async (_name, scenario, number) => {
      const [https, direct] = await Promise.all(targets.map((target) => play(target, scenario, number)));
      for (const [i, step] of https!.entries())
        expect(differences(step.answer, direct![i]!.answer), step.title).toEqual([]);
    },
  );
});
