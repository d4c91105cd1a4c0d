/** Which of the built-in resources are served: upstream's defaults, --runtime-config and --feature-gates. */
import type { ResourceInfo } from '../../machinery/schema/resource.ts';

/** As the flags write them: `api/all`, `api/beta`, `group/version`, `group/version/resource`; `AllAlpha`, `CBORServing...`. */
export interface EnabledOptions {
  readonly runtimeConfig?: Readonly<Record<string, string>>;
  readonly featureGates?: Readonly<Record<string, boolean>>;
}

/** Gates of v1.36 without which a resource is not served whatever the runtime configuration, by their stage; all are off. */
const servingGates: Readonly<Record<string, 'alpha' | 'beta'>> = {
  ClusterTrustBundle: 'beta',
  GenericWorkload: 'alpha',
  PodCertificateRequest: 'beta',
  StorageVersionMigrator: 'beta',
};

/** Throws for a key or a value that says nothing. */
export function enabledResources(
  all: readonly ResourceInfo[],
  { runtimeConfig = {}, featureGates = {} }: EnabledOptions = {},
): ResourceInfo[] {
  const wanted = Object.entries(runtimeConfig).map(([key, value]) => [key, truth(key, value)] as const);
  for (const [key] of wanted) checkKey(key, all);
  const group = (stage: 'ga' | 'beta' | 'alpha' | 'all') => wanted.find(([key]) => key === `api/${stage}`)?.[1];
  return all.filter((resource) => {
    if (!isGateOpen(resource.featureGate, featureGates)) return false;
    const version = versionKey(resource);
    const named = last(wanted, `${version}/${resource.plural}`) ?? last(wanted, version);
    return named ?? group(stageOf(resource.version)) ?? group('all') ?? resource.servedByDefault;
  });
}

/** Whether a gate is on: by its own name, then by AllAlpha and AllBeta, which none of GA's heed. */
function isGateOpen(gate: string | undefined, gates: Readonly<Record<string, boolean>>): boolean {
  const stage = gate === undefined ? undefined : servingGates[gate];
  if (gate === undefined || stage === undefined) return true;
  return gates[gate] ?? gates[stage === 'alpha' ? 'AllAlpha' : 'AllBeta'] ?? false;
}

const stageOf = (version: string) => (version.includes('alpha') ? 'alpha' : version.includes('beta') ? 'beta' : 'ga');

/** The core group is written `api/v1` or `v1`. */
const versionKey = ({ group, version }: ResourceInfo) => (group === '' ? version : `${group}/${version}`);

const last = (wanted: readonly (readonly [string, boolean])[], key: string): boolean | undefined =>
  wanted.findLast(([one]) => one === key || one === `api/${key}`)?.[1];

function truth(key: string, value: string): boolean {
  if (value === '' || value === 'true') return true;
  if (value === 'false') return false;
  throw new Error(`runtime-config ${key}=${value}: want true or false`);
}

const stages = ['api/all', 'api/ga', 'api/beta', 'api/alpha', 'api/legacy'];

function checkKey(key: string, all: readonly ResourceInfo[]): void {
  if (stages.includes(key)) return;
  const known = all.some((resource) => {
    const version = versionKey(resource);
    return [version, `api/${version}`, `${version}/${resource.plural}`, `api/${version}/${resource.plural}`].includes(
      key,
    );
  });
  if (!known)
    throw new Error(`runtime-config: ${key} is no API that there is; want group/version or group/version/resource`);
}
