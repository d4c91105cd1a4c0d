/** Free JSON as Go writes maps: keys sorted, `<`, `>` and `&` escaped, integers exact. */
import { escapeHtml } from '../codec/json.ts';

/** Text of a value; members that are undefined are left out. */
export function sortedJson(value: unknown): string {
  return escapeHtml(write(value));
}

function write(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return value.toString();
    case 'number':
      // Go's encoder writes both zeroes as 0 or -0; JSON.stringify knows but one.
      return JSON.stringify(value);
    case 'object': {
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
      const object = value as Record<string, unknown>;
      let out = '';
      for (const key of Object.keys(object).sort()) {
        const member = object[key];
        if (member === undefined) continue;
        out += `${out === '' ? '' : ','}${JSON.stringify(key)}:${write(member)}`;
      }
      return `{${out}}`;
    }
    default:
      return JSON.stringify(value) ?? 'null';
  }
}
