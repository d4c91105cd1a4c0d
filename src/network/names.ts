/**
 * Names of what a cluster makes on the host. They derive from the cluster's id (itself a hash of the data directory), so
 * that two clusters on one machine never meet, and so that a later run finds what an earlier one left.
 */

/** Eight hex digits. */
export type ClusterId = string;

/** Link names hold 15 characters at the most (IFNAMSIZ). */
export const bridgeName = (id: ClusterId): string => `skiff-${id}`;
/** Services of the node; owned by the proxy. */
export const proxyTable = (id: ClusterId): string => `skiff-${id}-proxy`;
/** Host ports of the node's pods. */
export const hostPortTable = (id: ClusterId): string => `skiff-${id}-hostports`;
/** NetworkPolicies of the node's pods. */
export const policyTable = (id: ClusterId): string => `skiff-${id}-policy`;
/** Masquerading of pods that talk to the outside; owned by the node's set-up. */
export const nodeTable = (id: ClusterId): string => `skiff-${id}-node`;
/** The tunnel to other nodes, where packets of pods travel wrapped. */
export const tunnelLink = (id: ClusterId): string => `skx-${id}`;
/** The network's name for CNI. */
export const cniNetwork = (id: ClusterId): string => `skiff-${id}`;
/** The bridge that joins the nodes of one machine. */
export const fabricBridge = (id: ClusterId): string => `skf-${id}`;
/** The network namespace of a node past the first. */
export const nodeNamespace = (id: ClusterId, index: number): string => `skiff-${id}-n${index}`;
/** The host's end of that node's link. */
export const nodeLink = (id: ClusterId, index: number): string => `s${id}n${index}`;
export const fabricTable = (id: ClusterId): string => `skiff-${id}-fabric`;
