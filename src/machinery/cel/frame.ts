/** What closures of an expression run on: the slots of its variables, and what has been spent. */
import { CelCostExceeded } from './values.ts';

export class Frame {
  readonly slots: unknown[];
  readonly limit: number;
  cost = 0;

  constructor(slots: unknown[], limit: number) {
    this.slots = slots;
    this.limit = limit;
  }

  spend(cost: number): void {
    this.cost += cost;
    if (this.cost > this.limit) throw new CelCostExceeded('operation cancelled: actual cost limit exceeded');
  }
}

export type Run = (frame: Frame) => unknown;
