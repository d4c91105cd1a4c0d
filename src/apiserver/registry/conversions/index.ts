/** Between versions of a kind that share a storage. One line a pair. */
import { schemaOf } from '../../../apis/scheme.ts';
import { groupVersionText, type KubeObject } from '../../../machinery/meta/object.ts';
import type { ResourceInfo } from '../../../machinery/schema/resource.ts';
import type { Conversion } from '../resource.ts';
import {
  claimV1beta1Of,
  claimV1Of,
  sliceV1beta1Of,
  sliceV1Of,
  templateV1beta1Of,
  templateV1Of,
} from './dynamic-resources.ts';
import { coreEventOf, eventsEventOf } from './events.ts';
import { hpaV1Of, hpaV2Of } from './hpa.ts';

interface Pair {
  readonly from: (object: KubeObject) => KubeObject;
  readonly to: (object: KubeObject) => KubeObject;
}

/** By served group, version and plural. */
const pairs: Readonly<Record<string, Pair>> = {
  'resource.k8s.io/v1beta1/resourceclaims': { from: claimV1beta1Of, to: claimV1Of },
  'resource.k8s.io/v1beta1/resourceclaimtemplates': { from: templateV1beta1Of, to: templateV1Of },
  'resource.k8s.io/v1beta1/resourceslices': { from: sliceV1beta1Of, to: sliceV1Of },
  'events.k8s.io/v1/events': { from: eventsEventOf, to: coreEventOf },
  'autoscaling/v1/horizontalpodautoscalers': { from: hpaV1Of, to: hpaV2Of },
};

const same = (object: KubeObject): KubeObject => object;
const equal: Pair = { from: same, to: same };

/** Groups whose versions (but those above) have the same fields. */
const alike: ReadonlySet<string> = new Set([
  'admissionregistration.k8s.io',
  'certificates.k8s.io',
  'coordination.k8s.io',
  'networking.k8s.io',
  'resource.k8s.io',
  'storage.k8s.io',
]);

/** Whether objects of one version are those of the other under another name. */
export const isAlike = (served: Pick<ResourceInfo, 'group' | 'version' | 'plural'>): boolean =>
  alike.has(served.group) && !(`${served.group}/${served.version}/${served.plural}` in pairs);

/** Throws when nobody has written the conversion: found by the first start, not by the first user. */
export function conversionBetween(served: ResourceInfo, stored: ResourceInfo): Conversion {
  const pair = pairs[`${served.group}/${served.version}/${served.plural}`] ?? (isAlike(served) ? equal : undefined);
  if (!pair)
    throw new Error(
      `${served.plural}: no conversion between ${groupVersionText(served)} and ${groupVersionText(stored)}`,
    );
  const typed = (object: KubeObject, info: ResourceInfo) => {
    object.apiVersion = groupVersionText(info);
    object.kind = info.kind;
    return object;
  };
  return {
    fromStorage: (object) => typed(pair.from(object), served),
    toStorage: (object) => typed(pair.to(object), stored),
    encode: (object) => schemaOf(stored.group, stored.version, stored.kind).encode(object),
  };
}
