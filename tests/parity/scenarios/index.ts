import type { Scenario } from '../scenario.ts';
import { discovery } from './discovery.ts';
import { everyKind } from './every-kind.ts';
import { requests } from './requests.ts';
import { services } from './services.ts';
import { invalidPods } from './invalid-pods.ts';
import { patches } from './patches.ts';
import { access } from './access.ts';

export const scenarios: readonly Scenario[] = [
  ...everyKind,
  ...discovery,
  ...requests,
  ...services,
  ...patches,
  ...access,
  ...invalidPods,
];
