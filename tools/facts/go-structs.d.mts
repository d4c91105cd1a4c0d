export function readGoStructs(root: string): Record<string, string[]>;
export function readGoMarkers(root: string): Record<string, Record<string, Record<string, unknown>>>;
