import type { Step } from './steps.ts';

/**
 * What is known to fail, with the reason: shown as `not yet`, and no reason for the run to fail. A step that passes although
 * it is here is named at the end of the run, so that its line is taken away.
 */
export const notYet: readonly { readonly client: string; readonly step: Step; readonly reason: string }[] = [];
