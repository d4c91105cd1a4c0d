/** The CNI network list of a node, for the runtime: a bridge, and addresses from the node's range. */

export interface CniOptions {
  readonly network: string;
  readonly bridge: string;
  /** The node's own /24. */
  readonly podCidr: string;
  /** Where host-local keeps its leases: in the data directory, so that two clusters never share them. */
  readonly ipamDir: string;
  readonly mtu?: number;
}

/**
 * The bridge is made by the node's set-up before any pod (routes to the Service network hang on it); the plugin finds
 * and uses it. `ipMasq` stays off: the node's own table masquerades, and leaves traffic between nodes as it is.
 * Host ports are no plugin's: `HostPorts` serves them.
 */
export function cniConfList(options: CniOptions): string {
  const list = {
    cniVersion: '1.0.0',
    name: options.network,
    plugins: [
      {
        type: 'bridge',
        bridge: options.bridge,
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ...(options.mtu === undefined ? {} : { mtu: options.mtu }),
        ipam: {
          type: 'host-local',
          dataDir: options.ipamDir,
          ranges: [[{ subnet: options.podCidr }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  };
  return `${JSON.stringify(list, null, 2)}\n`;
}
