/** The links of this network namespace that lead outside, and packets that are put on them as they are. */
import koffi from 'koffi';
import { formatCidr, parseCidr } from '../cidr.ts';
import { ip } from '../command.ts';

export interface Link {
  readonly name: string;
  readonly index: number;
  readonly mac: string;
  /** `192.0.2.0/24` */
  readonly networks: readonly string[];
  readonly addresses: readonly string[];
  readonly mtu: number;
}

interface ShownLink {
  readonly ifname: string;
  readonly ifindex: number;
  readonly mtu: number;
  readonly address?: string;
  readonly flags: readonly string[];
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
}

/** Links that are up and have a segment with other hosts; `without` are the pods' own. IPv4. */
export async function outerLinks(without: readonly string[]): Promise<Link[]> {
  const shown = JSON.parse(await ip(['-j', '-4', 'addr', 'show', 'up'])) as ShownLink[];
  const withMac = JSON.parse(await ip(['-j', 'link', 'show', 'up'])) as ShownLink[];
  const macs = new Map(withMac.map((link) => [link.ifname, link.address]));
  return shown.flatMap((link) => {
    const mac = macs.get(link.ifname);
    if (!mac || without.includes(link.ifname) || !link.flags.includes('BROADCAST')) return [];
    const networks = link.addr_info.map(({ local, prefixlen }) => formatCidr(parseCidr(`${local}/${prefixlen}`)));
    const addresses = link.addr_info.map(({ local }) => local);
    return [{ name: link.ifname, addresses, index: link.ifindex, mac, networks, mtu: link.mtu }];
  });
}

const afPacket = 17;
const sockRaw = 3;
/** struct sockaddr_ll: family, protocol (0), index, then type and address that a raw frame brings itself. */
const addressBytes = 20;

/** Puts an Ethernet frame on a link; throws when the kernel refuses it. */
export function sendFrame(linkIndex: number, frame: Uint8Array): void {
  const libc = koffi.load(null);
  const socket = libc.func('int socket(int domain, int type, int protocol)');
  const sendto = libc.func('ssize_t sendto(int fd, void *buffer, size_t length, int flags, void *address, int size)');
  const close = libc.func('int close(int fd)');
  const fd = socket(afPacket, sockRaw, 0) as number;
  if (fd < 0) throw new Error(`opening a packet socket: errno ${koffi.errno()}`);
  try {
    const address = Buffer.alloc(addressBytes);
    address.writeUInt16LE(afPacket, 0);
    address.writeInt32LE(linkIndex, 4);
    const sent = sendto(fd, Buffer.from(frame), frame.byteLength, 0, address, addressBytes) as number;
    if (sent !== frame.byteLength) throw new Error(`sending a frame on link ${linkIndex}: errno ${koffi.errno()}`);
  } finally {
    close(fd);
  }
}
