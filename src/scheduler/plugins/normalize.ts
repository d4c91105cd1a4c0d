import { maxNodeScore } from '../framework/plugin.ts';

/** Scales to 0..maxNodeScore by the largest score, in place; `reverse`: the lowest raw score is the best. */
export function normalizeByMax(scores: number[], reverse: boolean): void {
  let max = 0;
  for (const score of scores) if (score > max) max = score;
  for (let i = 0; i < scores.length; i++) {
    const scaled = max === 0 ? 0 : Math.floor((maxNodeScore * scores[i]!) / max);
    scores[i] = reverse ? maxNodeScore - scaled : scaled;
  }
}
