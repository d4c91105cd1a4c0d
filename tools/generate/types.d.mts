export interface JoinedField {
  name: string;
  type: string;
  enum?: string[];
}
export function joinTypes(input: {
  models: unknown;
  interfaces: unknown;
  structs: unknown;
  overlay: unknown;
  defaults: unknown;
}): { types: Record<string, { fields: JoinedField[] }> };
