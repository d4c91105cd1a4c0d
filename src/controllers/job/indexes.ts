/** Sets of completion indexes as the API writes them: `0-2,5,7-9`. */

export function parseIndexes(text: string | undefined, completions: number): Set<number> {
  const out = new Set<number>();
  for (const part of (text ?? '').split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!match) continue;
    // Fewer completions than before leave out what lies beyond.
    const last = Math.min(Number(match[2] ?? match[1]), completions - 1);
    for (let i = Number(match[1]); i <= last; i++) out.add(i);
  }
  return out;
}

export function indexesText(indexes: ReadonlySet<number>): string {
  const parts: string[] = [];
  const sorted = [...indexes].sort((a, b) => a - b);
  for (let i = 0; i < sorted.length; ) {
    let end = i;
    while (sorted[end + 1] === sorted[end]! + 1) end++;
    // Two in a row are written one by one.
    if (end === i) parts.push(`${sorted[i]}`);
    else if (end === i + 1) parts.push(`${sorted[i]}`, `${sorted[end]}`);
    else parts.push(`${sorted[i]}-${sorted[end]}`);
    i = end + 1;
  }
  return parts.join(',');
}
