/** Between versions of a kind that share a storage. One line a pair. */
import { schemaOf } from '../../../apis/scheme.ts';
import { groupVersionText, type KubeObject } from '../../../machinery/meta/object.ts';
import type { ResourceInfo } from '../../../machinery/schema/resource.ts';
import type { Conversion } from '../resource.ts';
import { coreEventOf, eventsEventOf } from './events.ts';
import { hpaV1Of, hpaV2Of } from './hpa.ts';

interface Pair {
  readonly from: (object: KubeObject) => KubeObject;
  readonly to: (object: KubeObject) => KubeObject;
}

/** By served group, version and plural. */
const pairs: Readonly<Record<string, Pair>> = {
  'events.k8s.io/v1/events': { from: eventsEventOf, to: coreEventOf },
  'autoscaling/v1/horizontalpodautoscalers': { from: hpaV1Of, to: hpaV2Of },
};

/** Throws when nobody has written the conversion: found by the first start, not by the first user. */
export function conversionBetween(served: ResourceInfo, stored: ResourceInfo): Conversion {
  const pair = pairs[`${served.group}/${served.version}/${served.plural}`];
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
