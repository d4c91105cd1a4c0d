/** IP addresses and ranges in text, as the API writes them. */

/** Undefined when it is no dotted quad without leading zeros. */
export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (let i = 1; i <= 4; i++) {
    const part = match[i]!;
    if (Number(part) > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** RFC 4291 text, with an embedded IPv4 tail allowed. */
export function isIpv6(text: string): boolean {
  let address = text;
  const tail = /:(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (tail) {
    if (parseIpv4(tail[1]!) === undefined) return false;
    address = `${address.slice(0, -tail[1]!.length)}0:0`;
  }
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  if (!groups.every((g) => /^[0-9a-fA-F]{1,4}$/.test(g))) return false;
  return halves.length === 2 ? groups.length <= 7 : groups.length === 8;
}

export type IpFamily = 'IPv4' | 'IPv6';

/** Undefined when it is no address. */
export function ipFamilyOf(text: string): IpFamily | undefined {
  if (parseIpv4(text) !== undefined) return 'IPv4';
  return text.includes(':') && isIpv6(text) ? 'IPv6' : undefined;
}

export interface Ipv4Cidr {
  /** The first address. */
  readonly base: number;
  readonly prefix: number;
  /** Number of addresses. */
  readonly size: number;
}

/** Undefined when it is no IPv4 range; bits past the prefix are cleared. */
export function parseIpv4Cidr(text: string): Ipv4Cidr | undefined {
  const [address = '', bits = ''] = text.split('/');
  const value = parseIpv4(address);
  const prefix = /^\d{1,2}$/.test(bits) ? Number(bits) : -1;
  if (value === undefined || prefix < 0 || prefix > 32) return undefined;
  const size = 2 ** (32 - prefix);
  return { base: Math.floor(value / size) * size, prefix, size };
}

export function isCidr(text: string): boolean {
  if (parseIpv4Cidr(text) !== undefined) return true;
  const [address = '', bits = ''] = text.split('/');
  return address.includes(':') && isIpv6(address) && /^\d{1,3}$/.test(bits) && Number(bits) <= 128;
}
