// Reads upstream's Go API types (from the oracle packages, or any checkout of k8s.io/api) as facts: which fields a
// struct has, in which order, under which JSON name, of which Go type, and what of it is left out when empty.
// Only used to make and to check tools/generate/data/structs.json; the product never sees Go.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** API group of a package folder of k8s.io/api, where it is not the folder's own name. */
const groupOf = {
  admission: 'admission.k8s.io',
  admissionregistration: 'admissionregistration.k8s.io',
  apidiscovery: 'apidiscovery.k8s.io',
  apiserverinternal: 'internal.apiserver.k8s.io',
  authentication: 'authentication.k8s.io',
  authorization: 'authorization.k8s.io',
  certificates: 'certificates.k8s.io',
  coordination: 'coordination.k8s.io',
  discovery: 'discovery.k8s.io',
  events: 'events.k8s.io',
  flowcontrol: 'flowcontrol.apiserver.k8s.io',
  imagepolicy: 'imagepolicy.k8s.io',
  networking: 'networking.k8s.io',
  node: 'node.k8s.io',
  rbac: 'rbac.authorization.k8s.io',
  resource: 'resource.k8s.io',
  scheduling: 'scheduling.k8s.io',
  storage: 'storage.k8s.io',
  storagemigration: 'storagemigration.k8s.io',
};

/** Every package with its types, as [id prefix, Go package name, file texts]. */
function* packages(root) {
  const meta = ['types.go', 'watch.go', 'group_version.go'].map((f) => join(root, 'apimachinery/pkg/apis/meta/v1', f));
  yield ['meta/v1', 'v1', meta.map((file) => readFileSync(file, 'utf8'))];
  yield ['version', 'version', [readFileSync(join(root, 'apimachinery/pkg/version/types.go'), 'utf8')]];
  const api = join(root, 'api');
  for (const dir of readdirSync(api).sort()) {
    for (const version of existsSync(join(api, dir, 'v1')) || /^[a-z]+$/.test(dir) ? versions(join(api, dir)) : []) {
      const files = readdirSync(join(api, dir, version)).filter((f) => /^types.*\.go$|^.*_types\.go$/.test(f));
      const texts = files
        .filter((f) => !f.includes('swagger'))
        .map((f) => readFileSync(join(api, dir, version, f), 'utf8'));
      if (texts.length > 0) yield [`${groupOf[dir] ?? dir}/${version}`, version, texts];
    }
  }
}

const versions = (dir) => {
  try {
    return readdirSync(dir).filter((v) => /^v\d/.test(v));
  } catch {
    return [];
  }
};

/** How Go's reflection prints a type that is written `text` in package `pkg`. */
export function goTypeText(text, pkg) {
  return text.replace(/(\w+\.)?([A-Za-z]\w*)/g, (all, qualifier, name) => {
    if (qualifier)
      return (qualifier === 'metav1.' ? 'v1.' : /^(core)?v1\.$/.test(qualifier) ? 'v1.' : qualifier) + name;
    return /^[A-Z]/.test(name) ? `${pkg}.${name}` : all === 'byte' ? 'uint8' : all;
  });
}

/**
 * Structs of one package: name -> fields in order, each `json name|Go type|flags` with flags `e` (omitempty) and `z`
 * (omitzero); an embedded struct is `|Go type|` (its fields stand in its place).
 */
export function structsOf(texts, pkg) {
  const out = {};
  for (const text of texts) {
    for (const match of text.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
      const fields = [];
      for (const line of match[2].split('\n')) {
        const field = line.match(/^\t(?:(\w+)\s+)?([\w.*[\]]+(?:\s*map\[\w+\][\w.*[\]]+)?)\s+`([^`]*)`/);
        if (!field) continue;
        const json = field[3].match(/json:"([^"]*)"/)?.[1];
        if (json === undefined || json === '-') continue;
        const [name, ...options] = json.split(',');
        const type = goTypeText(field[2].replaceAll(' ', ''), pkg);
        if (options.includes('inline') || (name === '' && !field[1])) fields.push(`|${type}|`);
        else
          fields.push(
            `${name}|${type}|${options.includes('omitempty') ? 'e' : ''}${options.includes('omitzero') ? 'z' : ''}`,
          );
      }
      out[match[1]] = fields;
    }
  }
  return out;
}

/** Types of one package that are another package's struct under a name of their own: name -> that struct's name in v1. */
function renamedFrom(texts) {
  const out = {};
  for (const text of texts) for (const match of text.matchAll(/^type (\w+) =? ?v1\.(\w+)$/gm)) out[match[1]] = match[2];
  return out;
}

/** All structs below `root` (the folder that holds `api` and `apimachinery`), as `group/version/Type` -> fields. */
export function readGoStructs(root) {
  const out = {};
  const renamed = [];
  for (const [prefix, pkg, texts] of packages(root)) {
    for (const [name, from] of Object.entries(renamedFrom(texts)))
      renamed.push([`${prefix}/${name}`, `${prefix.split('/')[0]}/v1/${from}`]);
    for (const [name, fields] of Object.entries(structsOf(texts, pkg))) {
      if (fields.length > 0 || !(`${prefix}/${name}` in out)) out[`${prefix}/${name}`] = fields;
    }
  }
  for (const [id, from] of renamed) if (out[from]) out[id] = out[from];
  return out;
}

/** `+listType=map` and its like, of the comment lines and the tag of a field. */
function markersOf(comment, tag) {
  const out = {};
  const marker = (name) => [...comment.matchAll(new RegExp(`\\+${name}=(\\S+)`, 'g'))].map((match) => match[1]);
  const tagged = (name) => tag.match(new RegExp(`${name}:"([^"]*)"`))?.[1];
  const strategy = tagged('patchStrategy');
  if (strategy !== undefined) out.patchStrategy = strategy;
  const mergeKey = tagged('patchMergeKey');
  if (mergeKey !== undefined) out.patchMergeKey = mergeKey;
  const listType = marker('(?:k8s:)?listType').at(-1);
  if (listType !== undefined) out.listType = listType;
  const keys = [...new Set(marker('(?:k8s:)?listMapKey'))];
  if (keys.length > 0) out.listMapKeys = keys;
  const mapType = marker('mapType').at(-1);
  if (mapType !== undefined) out.mapType = mapType;
  return out;
}

/** Merge keys, list types and map types of every field that has any: `group/version/Type` -> JSON name -> facts. */
export function readGoMarkers(root) {
  const out = {};
  for (const [prefix, , texts] of packages(root)) {
    for (const text of texts) {
      for (const match of text.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
        let comment = '';
        for (const line of match[2].split('\n')) {
          if (/^\s*\/\//.test(line)) {
            comment += `${line}\n`;
            continue;
          }
          const tag = line.match(/`([^`]*)`/)?.[1];
          const name = tag?.match(/json:"([^",]*)/)?.[1];
          const facts = name ? markersOf(comment, tag) : {};
          if (Object.keys(facts).length > 0) (out[`${prefix}/${match[1]}`] ??= {})[name] = facts;
          comment = '';
        }
      }
    }
  }
  return out;
}
