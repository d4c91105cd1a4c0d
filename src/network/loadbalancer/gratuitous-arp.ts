/** Tells a segment who has an address now (RFC 5227): others may hold an older answer for minutes. */

/** Ethernet's broadcast. */
export const broadcast = Uint8Array.of(255, 255, 255, 255, 255, 255);

const octets = (ip: string): number[] => ip.split('.').map(Number);
export const macBytes = (mac: string): Uint8Array =>
  Uint8Array.from(mac.split(':'), (byte) => Number.parseInt(byte, 16));

/** An ARP request that asks for one's own address, with the Ethernet header: 42 bytes. */
export function gratuitousArp(mac: Uint8Array, ip: string): Uint8Array {
  const ethernet = [...broadcast, ...mac, 0x08, 0x06];
  // Ethernet, IPv4, address lengths, request; sender; target: nobody's MAC, the same address.
  const arp = [0, 1, 0x08, 0, 6, 4, 0, 1, ...mac, ...octets(ip), 0, 0, 0, 0, 0, 0, ...octets(ip)];
  return Uint8Array.from([...ethernet, ...arp]);
}
