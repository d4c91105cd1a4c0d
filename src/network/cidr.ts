/** IPv4 networks, as numbers. */

export interface Cidr {
  /** The network's address: host bits are 0. */
  readonly base: number;
  readonly prefixLength: number;
}

/** Throws, naming the text, for anything but `a.b.c.d/n` with n from 0 to 32. Host bits are cleared. */
export function parseCidr(text: string): Cidr {
  const [address, length, ...rest] = text.split('/');
  const prefixLength = Number(length);
  if (rest.length > 0 || !/^\d{1,2}$/.test(length ?? '') || prefixLength > 32)
    throw new Error(`'${text}' is not an IPv4 network: want ADDRESS/PREFIX such as 10.244.0.0/16`);
  return { base: (parseIpv4(address!, text) & maskOf(prefixLength)) >>> 0, prefixLength };
}

/** `inside` is for the message: the text that the address stands in. */
export function parseIpv4(text: string, inside = text): number {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((p) => !/^\d{1,3}$/.test(p) || Number(p) > 255))
    throw new Error(`'${inside}' is not an IPv4 address or network: want four numbers from 0 to 255`);
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

export const formatIpv4 = (value: number): string =>
  [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');

export const formatCidr = (cidr: Cidr): string => `${formatIpv4(cidr.base)}/${cidr.prefixLength}`;

/** The n-th address of a network; 0 is the network's own. */
export const addressAt = (cidr: Cidr, index: number): string => formatIpv4((cidr.base + index) >>> 0);

export function contains(cidr: Cidr, ip: string): boolean {
  return (parseIpv4(ip) & maskOf(cidr.prefixLength)) >>> 0 === cidr.base;
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  const mask = maskOf(Math.min(a.prefixLength, b.prefixLength));
  return (a.base & mask) >>> 0 === (b.base & mask) >>> 0;
}

const maskOf = (prefixLength: number): number => (prefixLength === 0 ? 0 : (~0 << (32 - prefixLength)) >>> 0);
