/**
 * Equality as the API means it (apimachinery api/equality, Semantic): absent, null, and empty lists, maps and strings at
 * the place of a field are all "not set". Quantities must have been brought to their canonical form before.
 */
export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isUnset(a) && isUnset(b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return typeof a === typeof b && Object.is(a, b) ? true : sameInteger(a, b);
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => semanticEqual(item, b[i]));
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key of Object.keys(left)) if (!semanticEqual(left[key], right[key])) return false;
  for (const key of Object.keys(right)) if (!Object.hasOwn(left, key) && !isUnset(right[key])) return false;
  return true;
}

function isUnset(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (typeof value !== 'object') return false;
  for (const _ in value) return false;
  return true;
}

const sameInteger = (a: unknown, b: unknown): boolean =>
  (typeof a === 'bigint' && typeof b === 'number' && a === BigInt(b)) ||
  (typeof a === 'number' && typeof b === 'bigint' && BigInt(a) === b);
