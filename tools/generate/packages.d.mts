export function readModels(clientNode: string): Record<string, unknown>;
export function readInterfaces(roots: string[]): Record<string, unknown>;
