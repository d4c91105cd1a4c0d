/** Field numbers, labels and types of the messages of a generated.proto. */

const scalar = new Set(['bool', 'int32', 'int64', 'string', 'bytes', 'double', 'uint32', 'uint64']);

/**
 * Full message name -> field -> [number, label, type]; the type of a map is `key,value`.
 * @param {string} text
 * @returns {Record<string, Record<string, [number, string, string]>>}
 */
export function readProtobufMessages(text) {
  const pkg = text.match(/^package (\S+);/m)?.[1];
  const full = (type) => (scalar.has(type) ? type : type.includes('.') ? type.replace(/^\./, '') : `${pkg}.${type}`);
  const messages = {};
  for (const [, message, body] of text.matchAll(/^message (\w+) \{\n([\s\S]*?)^\}/gm)) {
    const fields = {};
    for (const [, label, type, name, number] of body.matchAll(
      /^ {2}(optional |repeated |required |)(map<[^>]+>|[\w.]+) (\w+) = (\d+);/gm,
    )) {
      const map = type.match(/^map<(\w+), *([^>]+)>$/);
      fields[name] = map
        ? [Number(number), 'map', `${map[1]},${full(map[2])}`]
        : [Number(number), label.trim() || 'optional', full(type)];
    }
    messages[`${pkg}.${message}`] = Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return messages;
}
