/** How an attached volume is called: by the controller that attaches it and by the kubelet that waits for it. */
import { sha256Hex } from '../../../base/sha256.ts';

/** The VolumeAttachment of a CSI volume and a node. */
export const attachmentName = (handle: string, driver: string, node: string): string =>
  `csi-${sha256Hex(`${handle}${driver}${node}`)}`;

/** As a Node's `volumesInUse` and `volumesAttached` have it. */
export const uniqueVolumeName = (driver: string, handle: string): string => `kubernetes.io/csi/${driver}^${handle}`;
