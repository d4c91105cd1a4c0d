/** docs/api-resources.md is what the tables say. `npx vitest run --project unit src/apiserver/registry/resources-page.test.ts -u` renews it. */
import { expect, test } from 'vitest';
import { kinds } from '../../apis/index.ts';
import { allGroups, allResources } from '../../apis/scheme.ts';
import type { ResourceInfo } from '../../machinery/schema/resource.ts';
import { enabledResources } from './enabled.ts';

test('the page lists every resource, as upstream groups them', async () => {
  const sections = allGroups().map(({ group, preferred }) => {
    const rows = allResources().filter((resource) => resource.group === group);
    return `## ${group || 'core'}\n\nPreferred: ${preferred}.\n\n${header}\n${rows.map(row).join('\n')}`;
  });
  await expect(`${introduction}\n\n${sections.join('\n\n')}\n`).toMatchFileSnapshot('../../../docs/api-resources.md');
});

const introduction = `# What the API server serves

Each resource of Kubernetes v1.36, built in. "On" says what it takes: nothing, a version named in \`--runtime-config\`, or
a gate of \`--feature-gates\` besides. Custom resources and aggregated servers come on top. [api.md](api.md) says how they are
served. Written from the tables by a test (\`src/apiserver/registry/resources-page.test.ts\`).`;

const header =
  '| resource | kind | version | short | scope | sub-resources | selectable fields | on |\n|---|---|---|---|---|---|---|---|';

function row(resource: ResourceInfo): string {
  const { plural, kind, version, shortNames, namespaced, subresources } = resource;
  const own = kinds.find((one) => one.group === resource.group && one.version === version && one.kind === kind);
  const cells = [
    plural,
    kind,
    version,
    shortNames.join(' '),
    namespaced ? 'namespace' : 'cluster',
    subresources.map(({ name }) => name).join(' '),
    Object.keys(own?.selectableFields ?? {}).join(' '),
    condition(resource),
  ];
  return `| ${cells.join(' | ')} |`;
}

function condition(resource: ResourceInfo): string {
  if (resource.servedByDefault) return 'yes';
  const version = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  const byVersion = enabledResources([resource], { runtimeConfig: { [version]: 'true' } }).length > 0;
  return byVersion ? `\`${version}\`` : `\`${version}\` and \`${resource.featureGate}\``;
}
