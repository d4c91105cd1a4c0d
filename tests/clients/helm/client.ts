import { join } from 'node:path';
import { kubectlPath } from '../../support/oracles.ts';
import type { Client, Surroundings } from '../client.ts';
import { equal, eventually, matches } from '../expect.ts';
import { goClient } from '../go.ts';
import { Kubectl } from '../kubectl/kubectl.ts';
import { run } from '../process.ts';
import { firstLine, runSteps } from '../program.ts';
import type { Step } from '../steps.ts';
import { folderOf } from '../toolchain.ts';

const release = 'app';

/** Helm as a user types it; what it did is looked at with kubectl. */
const built = goClient(
  'helm',
  'helm.sh/helm/v4',
  {
    steps: ['install', 'chart-reads', 'upgrade', 'upgrade-failed', 'rollback', 'test', 'uninstall'],
    async run(cache, given) {
      const kubectl = new Kubectl(kubectlPath('1.36'), given);
      try {
        await runSteps(helm, given, chartSteps(kubectl, given, join(cache, 'helm')));
      } finally {
        await kubectl.try(['delete', 'namespace', given.namespace, '--ignore-not-found', '--wait=false']);
      }
    },
  },
  { helm: 'helm.sh/helm/v4/cmd/helm' },
);

export const helm: Client = {
  ...built,
  missing() {
    try {
      kubectlPath('1.36');
      return built.missing();
    } catch (error) {
      return firstLine(error);
    }
  },
};

function chartSteps(
  kubectl: Kubectl,
  given: Surroundings,
  program: string,
): { readonly [name in Step]?: () => Promise<void> } {
  const chart = join(folderOf('helm'), 'chart');
  const tryHelm = async (...args: string[]) => {
    const home = { HELM_CACHE_HOME: given.scratch, HELM_CONFIG_HOME: given.scratch, HELM_DATA_HOME: given.scratch };
    const finished = await run(program, [...args, '--namespace', given.namespace], {
      timeoutMs: 90_000,
      signal: given.signal,
      env: { KUBECONFIG: given.kubeconfig, ...home },
    });
    given.log(`$ helm ${args.join(' ')}: ${finished.code}\n${finished.stdout}${finished.stderr}`);
    return finished;
  };
  const h = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await tryHelm(...args);
    if (code !== 0) throw new Error(`helm ${args.join(' ')}: exit code ${code}: ${stderr.trim() || stdout}`);
    return stdout;
  };
  const waits = ['--wait', '--timeout', '60s'];
  const field = (what: string, path: string) => kubectl.do('get', ...what.split(' '), '-o', `jsonpath=${path}`);
  const page = () => field('configmap app-page', '{.data.index\\.html}');
  const password = () => field('secret app-password', '{.data.password}');
  const ran = async (hook: string) => {
    equal(`the Job of ${hook}`, await field(`job app-${hook}`, '{.status.succeeded}'), '1');
    matches(`its log`, await kubectl.do('logs', `job/app-${hook}`), new RegExp(`^ran ${hook}$`, 'm'));
  };
  const revision = async () =>
    (JSON.parse(await h('list', '-o', 'json')) as { name: string; revision: string; status: string }[])
      .filter(({ name }) => name === release)
      .map((found) => [found.revision, found.status].join(' '))
      .join();
  let first = '';

  return {
    async install() {
      const notes = await h('install', release, chart, '--create-namespace', ...waits);
      matches('the notes', notes, /The page of app says first\./);
      equal('the page', await page(), 'first');
      matches('the version it was rendered for', await field('configmap app-page', '{.data.kubernetes}'), /^v1\.\d+/);
      equal('a kind that is there', await field('configmap app-page', '{.data.jobs}'), 'true');
      equal('ready pods', await field('deployment app', '{.status.readyReplicas}'), '1');
      await ran('pre-install');
      await ran('post-install');
      first = await password();
      const again = await tryHelm('install', release, chart);
      matches('installing it again', again.stderr, /cannot reuse a name|still in use/);
    },
    async 'chart-reads'() {
      equal('the revision', await revision(), '1 deployed');
      matches('status', await h('status', release), /STATUS: deployed/);
      matches('history', await h('history', release), /^1\s.*deployed\s+web-1\.0\.0/m);
      matches('values', await h('get', 'values', release, '--all'), /^page: first$/m);
      matches('manifest', await h('get', 'manifest', release), /^kind: Deployment$/m);
      matches('hooks', await h('get', 'hooks', release), /helm\.sh\/hook: post-delete/);
      matches('template', await h('template', 'other', chart, '--dry-run=server'), /^kind: Service$/m);
      const seen = await h('template', release, chart, '--dry-run=server', '--is-upgrade');
      matches('a lookup on the server', seen, new RegExp(`password: ${first}`));
      matches('lint', await h('lint', chart), /0 chart\(s\) failed/);
      await h('upgrade', release, chart, '--set', 'page=never', '--dry-run=server');
      equal('the page after a dry run', await page(), 'first');
    },
    async upgrade() {
      await h('upgrade', release, chart, '--set', 'page=second,replicas=2', ...waits);
      equal('the page', await page(), 'second');
      equal('ready pods', await field('deployment app', '{.status.readyReplicas}'), '2');
      equal('the password after an upgrade', await password(), first);
      equal('the revision', await revision(), '2 deployed');
      await ran('pre-upgrade');
    },
    async 'upgrade-failed'() {
      const schema = await tryHelm('upgrade', release, chart, '--set', 'replicas=0');
      matches('against the chart’s schema', schema.stderr, /replicas/);
      const refused = await tryHelm('upgrade', release, chart, '--reuse-values', '--set', 'memory=lots');
      if (refused.code === 0) throw new Error('an upgrade to a memory of "lots" went well');
      matches('what the server says', refused.stderr, /lots|quantit/i);
      const image = ['--set', 'image=docker.io/library/nowhere:1', '--no-hooks', '--rollback-on-failure'];
      const slow = await tryHelm('upgrade', release, chart, '--reuse-values', ...image, '--wait', '--timeout', '6s');
      if (slow.code === 0) throw new Error('an upgrade to an image that is not there went well');
      equal('the page', await page(), 'second');
      equal('the image', await field('deployment app', '{..containers[0].image}'), given.image);
      matches('history', await h('history', release), /failed/);
    },
    async rollback() {
      await h('rollback', release, '1', ...waits);
      equal('the page', await page(), 'first');
      equal('replicas', await field('deployment app', '{.spec.replicas}'), '1');
      matches('history', await h('history', release), /Rollback to 1/);
      await ran('pre-rollback');
    },
    async test() {
      const said = await h('test', release, '--logs', '--timeout', '60s');
      matches('its phase', said, /Phase:\s+Succeeded/);
      matches('its log', said, /^first/m);
    },
    async uninstall() {
      matches('what it says', await h('uninstall', release, ...waits), /uninstalled/);
      equal('the revision', await revision(), '');
      await ran('post-delete');
      const kinds = 'deployments,services,configmaps,secrets';
      const labelled = ['get', kinds, '-l', 'app.kubernetes.io/instance=app', '-o', 'name'];
      await eventually('everything of the chart gone', async () => (await kubectl.do(...labelled)) === '');
      equal('records of releases', await kubectl.do('get', 'secrets', '-l', 'owner=helm', '-o', 'name'), '');
    },
  };
}
