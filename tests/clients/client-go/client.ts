import { join } from 'node:path';
import { goClient } from '../go.ts';
import { runProgram } from '../program.ts';
import { commonSteps } from '../steps.ts';

export const clientGo = goClient('client-go', 'k8s.io/client-go', {
  steps: [...commonSteps, 'protobuf', 'dynamic', 'informers', 'watch-cut', 'leader-election'],
  run: (cache, given) => runProgram([join(cache, 'scenario')], given),
});
