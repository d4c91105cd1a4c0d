/**
 * Every conditional default, by the type it belongs to. A group's hooks are in `apis/<group>/defaults.ts`; adding some is
 * one line here. What holds always is data: tools/generate/data/defaults.json.
 */
import type { TypeDefaulters } from '../machinery/schema/defaults.ts';
import { apiextensionsDefaulters } from './apiextensions.k8s.io/defaults.ts';
import { appsDefaulters } from './apps/defaults.ts';
import { autoscalingDefaulters } from './autoscaling/defaults.ts';
import { batchDefaulters } from './batch/defaults.ts';
import { coreDefaulters } from './core/defaults.ts';
import { networkingDefaulters } from './networking.k8s.io/defaults.ts';
import { resourceDefaulters } from './resource.k8s.io/defaults.ts';

export const typeDefaulters: TypeDefaulters = {
  ...coreDefaulters,
  ...appsDefaulters,
  ...batchDefaulters,
  ...autoscalingDefaulters,
  ...networkingDefaulters,
  ...apiextensionsDefaulters,
  ...resourceDefaulters,
};
