/** Names of chains and sets, made from the names of objects. */

/** FNV-1a in 32 bits, base 36. */
export function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash.toString(36).padStart(7, '0');
}

/** Twice as long: for names that stand for a whole text, where two that are alike would be one. */
export const longHash = (text: string): string => shortHash(`1${text}`) + shortHash(`2${text}`);

/** The kernel takes 255 bytes; an object's namespace and name have up to 317. */
const mostKeyLength = 200;

/** `prefix-HASH-key`: readable, and apart even where the key had to be cut. */
export const longName = (prefix: string, key: string): string =>
  `${prefix}-${shortHash(key)}-${key
    .replace(/[^A-Za-z0-9/.-]/g, '-')
    .slice(0, mostKeyLength)
    .replace(/\/$/, '')}`;
