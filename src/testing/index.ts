/** The library: `import { startCluster } from 'skiff/testing'`. */
export { FakeClock } from '../base/fake-clock.ts';
export type { HollowNodeSpec, HollowNodes } from '../kubelet/hollow/hollow-nodes.ts';
export type { Stage } from '../kubelet/hollow/stage/stage.ts';
export { type Cluster, type StartClusterOptions, startCluster } from './start-cluster.ts';
export type { Faults } from './faults.ts';
export type { WaitOptions } from './wait.ts';
