import type { KubeObject } from '../../machinery/meta/object.ts';
import type { Kind } from '../kind.ts';

/** A kind as the ordered array holds it: its functions are only ever given objects of that kind. */
export function defineKind<T extends KubeObject>(kind: Kind<T>): Kind {
  return kind as unknown as Kind;
}
