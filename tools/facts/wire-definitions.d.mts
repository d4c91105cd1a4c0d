/** Full message name -> field -> [number, label, type]. */
export function readProtobufMessages(text: string): Record<string, Record<string, [number, string, string]>>;
