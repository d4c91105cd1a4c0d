import { join } from 'node:path';
import { goClient } from '../go.ts';
import { runProgram } from '../program.ts';
import { commonSteps } from '../steps.ts';

/** Logs, exec and port-forward are not its business. */
const elsewhere: readonly string[] = ['logs', 'exec', 'port-forward'];

export const controllerRuntime = goClient(
  'controller-runtime',
  'sigs.k8s.io/controller-runtime',
  {
    steps: [
      ...commonSteps.filter((step) => !elsewhere.includes(step)),
      'custom-resource',
      'reconcile',
      'status',
      'leader-election',
      'finalizer',
    ],
    run: (cache, given) => runProgram([join(cache, 'scenario')], given),
  },
  { scenario: '.', operator: './operator' },
);
