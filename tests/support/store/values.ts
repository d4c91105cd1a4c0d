/** Values that show whether they are whole: `<token|length|` and then a filling that follows from the token. */
export function filledValue(token: string, length: number): Uint8Array {
  const head = `<${token}|${length}|`;
  const bytes = new Uint8Array(Math.max(head.length, length));
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = i < head.length ? head.charCodeAt(i) : 97 + ((i + token.length) % 23);
  return bytes;
}

/** The token of a value that `filledValue` made, if every byte of it is there. */
export function wholeToken(value: Uint8Array): string | undefined {
  const match = /^<([^|]+)\|(\d+)\|/.exec(Buffer.from(value.subarray(0, 80)).toString('latin1'));
  if (!match) return undefined;
  return Buffer.compare(value, filledValue(match[1]!, Number(match[2]))) === 0 ? match[1] : undefined;
}

/** Of one write of one run: never the same for two. */
export function tokenOf(seed: number, writer: number, round: number): string {
  return `t-${seed}-${writer}-${round}`;
}
