import type { Client } from './client.ts';
import { clientGo } from './client-go/client.ts';
import { clientNode } from './client-node/client.ts';
import { controllerRuntime } from './controller-runtime/client.ts';
import { fabric8 } from './fabric8/client.ts';
import { helm } from './helm/client.ts';
import { python } from './python/client.ts';
import { kubeRs } from './kube-rs/client.ts';
import { kubectlBefore, kubectlNow } from './kubectl/client.ts';

/** Every client, in the order of the table's columns. */
export const clients: readonly Client[] = [
  kubectlNow,
  kubectlBefore,
  clientGo,
  controllerRuntime,
  python,
  fabric8,
  kubeRs,
  clientNode,
  helm,
];
