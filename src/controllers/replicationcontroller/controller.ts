/** Keeps as many pods of a template as a ReplicationController asks for: a ReplicaSet in all but its selector. */
import { LabelSelector, selectorFromSet } from '../../machinery/selectors/labels.ts';
import { replicationControllers } from '../common/resources.ts';
import type { ControllerDescriptor } from '../context.ts';
import { ReplicaSetController } from '../replicaset/controller.ts';

export const replicationController: ControllerDescriptor = {
  name: 'replicationcontroller-controller',
  alias: 'replicationcontroller',
  serviceAccount: 'replication-controller',
  create: (context) =>
    new ReplicaSetController(context, {
      controllerName: 'replicationcontroller-controller',
      component: 'replication-controller',
      queueName: 'replicationmanager',
      group: '',
      kind: 'ReplicationController',
      resource: replicationControllers,
      selector: (owner) => {
        const selector = owner.spec?.selector as Readonly<Record<string, string>> | undefined;
        return selector === undefined ? LabelSelector.nothing : selectorFromSet(selector);
      },
      status: ({ terminatingReplicas: _, ...status }) => status,
    }),
};
