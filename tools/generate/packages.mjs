// Reads the two pinned packages of API models as data: @kubernetes/client-node for types, formats, required fields,
// descriptions and operations; kubernetes-models for enums and the descriptions that references lose in the former.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const entities = { '&#39;': "'", '&quot;': '"', '&lt;': '<', '&gt;': '>', '&amp;': '&' };
const unescapeText = (text) =>
  text.replace(/\\(['"`])/g, '$1').replace(/&(?:#39|quot|lt|gt|amp);/g, (entity) => entities[entity]);
/** The text of a doc comment. */
const commentText = (comment) =>
  unescapeText(
    comment
      .split('\n')
      .map((line) => line.replace(/^\s*\*\s?/, ''))
      .join('\n')
      .trim(),
  );

/**
 * Models of client-node: name -> { description, fields: name -> { type, format, required, description } }.
 * Only those its index names: the package also ships stale files.
 */
export function readModels(clientNode) {
  const dir = join(clientNode, 'dist/gen/models');
  const models = {};
  for (const [, name] of readFileSync(join(dir, 'all.js'), 'utf8').matchAll(/models\/(\w+)\.js/g)) {
    const attributes = readFileSync(join(dir, `${name}.js`), 'utf8').match(/attributeTypeMap = (\[[\s\S]*?\]);\n/);
    if (!attributes) continue;
    const declaration = readFileSync(join(dir, `${name}.d.ts`), 'utf8');
    const start = declaration.indexOf('export declare class');
    const about = declaration.slice(declaration.slice(0, start).lastIndexOf('/**') + 3, start).replace('*/', '');
    const members = {};
    // Types of maps take several lines.
    const member =
      /(?: {4}\/\*\*\n((?:(?!\*\/)[\s\S])*?)\*\/\n)? {4}'([^']+)'(\?)?: (?:[^\n]+;|\{\n[\s\S]*?\n {4}\};)\n/g;
    for (const [, comment, field, optional] of declaration.slice(start).matchAll(member))
      members[field] = { description: comment && commentText(comment), required: !optional };
    const fields = {};
    for (const { name: property, baseName, type, format } of JSON.parse(attributes[1])) {
      const known = members[property];
      fields[baseName] = { type, format, required: known?.required ?? false, description: known?.description };
    }
    models[name] = { description: commentText(about), fields };
  }
  return models;
}

/** Interfaces of kubernetes-models: schema name (`IoK8sApiCoreV1Pod`) -> field -> { description, enum }. */
export function readInterfaces(roots) {
  const interfaces = {};
  const walk = (dir) => {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (entry.name.startsWith('_') || entry.name === 'node_modules') continue;
      const path = join(dir, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.name.endsWith('.d.ts') && entry.name !== 'index.d.ts') readInterface(path, interfaces);
    }
  };
  for (const root of roots) walk(root);
  return interfaces;
}

function readInterface(path, interfaces) {
  const text = readFileSync(path, 'utf8');
  const name = text.match(/as I?(IoK8s\w+)/)?.[1] ?? text.match(/type (?:I)?(IoK8s\w+)/)?.[1];
  const start = text.indexOf('export interface I');
  if (!name || start < 0) return;
  const body = text.slice(start, text.indexOf('\n}', start) + 1);
  const fields = {};
  const member = /(?: {4}\/\*\*\n([\s\S]*?)\*\/\n)? {4}"([^"]+)"\??: ([^\n]+?);?\n/g;
  for (const [, comment, field, type] of body.matchAll(member)) {
    fields[field] = {
      description: comment && commentText(comment),
      enum: /^"/.test(type) ? type.split(' | ').map((value) => value.replaceAll('"', '')) : undefined,
    };
  }
  interfaces[name] = fields;
}

/**
 * Operations of client-node's API classes: path -> HTTP verb -> { id, query: [name, type][], body, returns } with model
 * names. Path parameters stand in the path as `{name}`.
 */
export function readOperations(clientNode) {
  const gen = join(clientNode, 'dist/gen');
  const live = readFileSync(join(gen, 'types/ObservableAPI.js'), 'utf8').matchAll(/apis\/(\w+)\.js/g);
  const paths = {};
  for (const api of new Set([...live].map((match) => match[1]))) {
    if (api.startsWith('CustomObjects')) continue;
    const text = readFileSync(join(gen, `apis/${api}.js`), 'utf8');
    const returns = {};
    const answer = /async (\w+)WithHttpInfo\(response\) \{[\s\S]*?deserialize\([^\n]*?contentType\), "([^"]+)"/g;
    for (const [, id, model] of text.matchAll(answer)) returns[id] ??= model;
    const operation =
      /async (\w+)\([^)]*\) \{[\s\S]*?const localVarPath = '([^']+)'[\s\S]*?HttpMethod\.(\w+)\);([\s\S]*?)\n {4}\}\n/g;
    for (const [, id, path, verb, rest] of text.matchAll(operation)) {
      const query = [...rest.matchAll(/setQueryParam\("([^"]+)", ObjectSerializer\.serialize\(\w+, "([^"]+)"/g)];
      paths[path] ??= {};
      paths[path][verb.toLowerCase()] = {
        id,
        query: query.map((match) => [match[1], match[2]]),
        body: rest.match(/serialize\(body, "([^"]+)"/)?.[1],
        returns: returns[id],
      };
    }
  }
  return paths;
}
