/** Every controller, in upstream's order of registration. A new one is a folder and a line here. */
import type { ControllerDescriptor } from './context.ts';
import { deploymentController } from './deployment/controller.ts';
import { replicaSetController } from './replicaset/controller.ts';

export const controllers: readonly ControllerDescriptor[] = [deploymentController, replicaSetController];
