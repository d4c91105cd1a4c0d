/** The restricted level: what hardened pods must say of themselves. In the order that they are told in. */
import type { Container, Volume } from '../../../apis/generated/types/core/v1.ts';
import { procMount, seccompTypes } from './baseline.ts';
import {
  type Check,
  type CheckedPod,
  containersOf,
  containersText,
  distinct,
  type Finding,
  hasUserNamespace,
  isForWindows,
  namesOf,
  plural,
  quoted,
  settersText,
} from './check.ts';

function privilegeEscalation(pod: CheckedPod): Finding | undefined {
  if (isForWindows(pod)) return undefined;
  const bad = namesOf(pod.spec, (_, security) => security.allowPrivilegeEscalation !== false);
  if (bad.length === 0) return undefined;
  return {
    reason: 'allowPrivilegeEscalation != false',
    detail: `${containersText(bad)} must set securityContext.allowPrivilegeEscalation=false`,
  };
}

function capabilities(pod: CheckedPod): Finding | undefined {
  if (isForWindows(pod)) return undefined;
  const { spec } = pod;
  const added = ({ securityContext }: Container) =>
    (securityContext?.capabilities?.add ?? []).filter((name) => name !== 'NET_BIND_SERVICE');
  const keeping = namesOf(spec, (_, security) => !security.capabilities?.drop?.includes('ALL'));
  const adding = namesOf(spec, (container) => added(container).length > 0);
  const details = [
    ...(keeping.length > 0 ? [`${containersText(keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0
      ? [
          `${containersText(adding)} must not include ${quoted(distinct(containersOf(spec).flatMap(added)))} in securityContext.capabilities.add`,
        ]
      : []),
  ];
  return details.length > 0 ? { reason: 'unrestricted capabilities', detail: details.join('; ') } : undefined;
}

const volumeTypes: readonly (keyof Volume)[] = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

function volumes({ spec }: CheckedPod): Finding | undefined {
  const bad = (spec.volumes ?? []).filter((volume) => !volumeTypes.some((type) => volume[type] !== undefined));
  if (bad.length === 0) return undefined;
  const names = bad.map(({ name }) => name);
  const types = distinct(bad.map((volume) => Object.keys(volume).find((key) => key !== 'name') ?? 'unknown'));
  const uses = bad.length === 1 ? 'uses' : 'use';
  return {
    reason: 'restricted volume types',
    detail: `${plural('volume', names)} ${quoted(names)} ${uses} ${plural('restricted volume type', types)} ${quoted(types)}`,
  };
}

function nonRoot(pod: CheckedPod): Finding | undefined {
  if (hasUserNamespace(pod)) return undefined;
  const reason = 'runAsNonRoot != true';
  const ofPod = pod.spec.securityContext?.runAsNonRoot;
  const setters = settersText(
    ofPod === false,
    namesOf(pod.spec, (_, security) => security.runAsNonRoot === false),
  );
  if (setters) return { reason, detail: `${setters} must not set securityContext.runAsNonRoot=false` };
  if (ofPod === true) return undefined;
  const silent = namesOf(pod.spec, (_, security) => security.runAsNonRoot === undefined);
  if (silent.length === 0) return undefined;
  return { reason, detail: `pod or ${containersText(silent)} must set securityContext.runAsNonRoot=true` };
}

function rootUser(pod: CheckedPod): Finding | undefined {
  if (hasUserNamespace(pod)) return undefined;
  const isRoot = (user: unknown): boolean => user !== undefined && Number(user) === 0;
  const byPod = isRoot(pod.spec.securityContext?.runAsUser);
  const setters = settersText(
    byPod,
    namesOf(pod.spec, (_, security) => isRoot(security.runAsUser)),
  );
  return setters ? { reason: 'runAsUser=0', detail: `${setters} must not set runAsUser=0` } : undefined;
}

function seccomp(pod: CheckedPod): Finding | undefined {
  if (isForWindows(pod)) return undefined;
  const wrong = seccompTypes(pod);
  if (wrong || pod.spec.securityContext?.seccompProfile) return wrong;
  const silent = namesOf(pod.spec, (_, security) => security.seccompProfile === undefined);
  if (silent.length === 0) return undefined;
  return {
    reason: 'seccompProfile',
    detail: `pod or ${containersText(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
}

export const restrictedChecks: readonly Check[] = [
  { id: 'allowPrivilegeEscalation', since: 8, run: privilegeEscalation },
  { id: 'capabilities_restricted', since: 22, overrides: 'capabilities_baseline', run: capabilities },
  { id: 'procMount_restricted', since: 35, overrides: 'procMount', run: procMount },
  { id: 'restrictedVolumes', since: 0, overrides: 'hostPathVolumes', run: volumes },
  { id: 'runAsNonRoot', since: 0, run: nonRoot },
  { id: 'runAsUser', since: 23, run: rootUser },
  { id: 'seccompProfile_restricted', since: 19, overrides: 'seccompProfile_baseline', run: seccomp },
];
