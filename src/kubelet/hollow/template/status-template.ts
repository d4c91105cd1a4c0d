/** A Stage's statusTemplate: a template whose text is the YAML of a status. */
import { parse as parseYaml } from 'yaml';
import type { KubeObject } from '../../../machinery/meta/object.ts';
import { nodeConditions } from '../node-conditions.ts';
import type { StageContext } from '../stage/stage.ts';
import { renderTemplate } from './evaluate.ts';
import { plainFunctions } from './functions.ts';
import { parseTemplate } from './parse.ts';

/** Throws when the template cannot be read; the compiled one throws when it calls what it must not, or makes no map. */
export function compileStatusTemplate(template: string): (object: KubeObject, context: StageContext) => unknown {
  const nodes = parseTemplate(template);
  return (object, context) => {
    const name = object.metadata.name ?? '';
    const text = renderTemplate(nodes, object, {
      ...plainFunctions,
      Now: () => context.now,
      Version: () => context.version,
      NodeConditions: () => nodeConditions(),
      NodeName: () => name,
      NodeIP: () => context.nodeIp(name),
      NodePort: () => context.nodePort(name),
      NodeIPWith: (nodeName) => context.nodeIp(String(nodeName)),
      PodIPWith: (nodeName, hostNetwork, uid) => context.podIp(String(nodeName), hostNetwork === true, String(uid)),
    });
    const status: unknown = parseYaml(text);
    if (typeof status !== 'object' || status === null || Array.isArray(status))
      throw new Error(`the status template made no map but: ${text.trim().slice(0, 100)}`);
    return status;
  };
}
