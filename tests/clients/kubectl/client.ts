import { kubectlPath } from '../../support/oracles.ts';
import type { Client } from '../client.ts';
import { must } from '../process.ts';
import { firstLine, runSteps } from '../program.ts';
import { commonSteps } from '../steps.ts';
import { Kubectl } from './kubectl.ts';
import { ownSteps } from './own.ts';
import { sharedSteps } from './shared.ts';

/** The real kubectl of a minor version. */
function kubectlClient(name: string, version: '1.36' | '1.32'): Client {
  const client: Client = {
    name,
    steps: [...commonSteps, 'wait', 'diff', 'explain', 'can-i', 'edit', 'look'],
    missing() {
      try {
        kubectlPath(version);
        return undefined;
      } catch (error) {
        return firstLine(error);
      }
    },
    async prepare() {
      const answer = await must(kubectlPath(version), ['version', '--client', '-o', 'json']);
      return (JSON.parse(answer) as { clientVersion: { gitVersion: string } }).clientVersion.gitVersion;
    },
    async run(_cache, given) {
      const kubectl = new Kubectl(kubectlPath(version), given);
      const { delete: last, ...shared } = sharedSteps(kubectl, given);
      try {
        // The namespace goes last, after the steps that only kubectl has.
        await runSteps(client, given, { ...shared, ...ownSteps(kubectl, given) });
        await runSteps(client, given, { delete: last! });
      } finally {
        await kubectl.try(['delete', 'namespace', given.namespace, '--ignore-not-found', '--wait=false']);
      }
    },
  };
  return client;
}

export const kubectlNow = kubectlClient('kubectl', '1.36');
export const kubectlBefore = kubectlClient('kubectl-1.32', '1.32');
