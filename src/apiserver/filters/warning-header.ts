/** `Warning: 299 - "text"` headers (RFC 7234 section 5.5), bounded as upstream bounds them. */

const maxTextLength = 256;
const maxTotalLength = 4096;

/** Values of the header for the texts, repeated ones once. Texts are cut when together they grow too long. */
export function warningHeaders(texts: readonly string[]): string[] {
  const unique = [...new Set(texts)].filter((text) => text !== '');
  const total = unique.reduce((sum, text) => sum + text.length, 0);
  const out: string[] = [];
  let length = 0;
  for (const text of unique) {
    const value = `299 - "${quoted(total > maxTotalLength ? text.slice(0, maxTextLength) : text)}"`;
    length += value.length;
    if (length > maxTotalLength) break;
    out.push(value);
  }
  return out;
}

/** Backslashes and quotes escaped; what a header cannot carry is replaced by a space, or written in percent form. */
function quoted(text: string): string {
  return text
    .replace(/[\\"]/g, '\\$&')
    .replace(/[\x00-\x1f\x7f]/g, ' ')
    .replace(/[^\x20-\x7e]+/g, (run) => encodeURIComponent(run));
}
