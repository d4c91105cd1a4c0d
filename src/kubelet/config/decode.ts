import { formatDuration, parseDuration } from '../../machinery/codec/go-duration.ts';
import { parseYaml } from '../../machinery/codec/yaml.ts';
import { type KubeletConfiguration, kubeletConfigurationShape } from './kubelet-configuration.ts';
import type { Shape } from './shape.ts';

const apiVersion = 'kubelet.config.k8s.io/v1beta1';
const kind = 'KubeletConfiguration';

/**
 * The configuration of a YAML or JSON document. Strict as upstream: unknown and duplicate fields are errors. Durations
 * come out in Go's canonical form. Throws an Error that names everything wrong.
 */
export function decodeKubeletConfiguration(document: string): KubeletConfiguration {
  const { value, strictErrors } = parseYaml(document);
  const { kind: givenKind, apiVersion: givenVersion, ...fields } = (value ?? {}) as Record<string, unknown>;
  if (givenKind !== kind || givenVersion !== apiVersion)
    throw new Error(
      `is ${String(givenKind ?? 'nothing')} of ${String(givenVersion ?? 'no version')}; want ${kind} of ${apiVersion}`,
    );
  const unknown: string[] = [...strictErrors];
  const wrong: string[] = [];
  const decoded = decode(fields, kubeletConfigurationShape, '', { unknown, wrong });
  if (wrong.length > 0) throw new Error(wrong.join('; '));
  if (unknown.length > 0) throw new Error(`strict decoding error: ${unknown.join(', ')}`);
  return decoded as KubeletConfiguration;
}

interface Findings {
  readonly unknown: string[];
  readonly wrong: string[];
}

/** Null means absent, as in Go. */
function decode(value: unknown, shape: Shape<unknown>, path: string, findings: Findings): unknown {
  if (!shape.accepts(value)) {
    findings.wrong.push(`${path}: ${JSON.stringify(value)}: want ${shape.wants}`);
    return undefined;
  }
  if (shape.isDuration) return formatDuration(parseDuration(value as string));
  if (shape.item)
    return (value as unknown[]).map((item, index) => decode(item, shape.item!, `${path}[${index}]`, findings));
  if (!shape.fields) return value;
  const out: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value as object)) {
    const inner = path === '' ? name : `${path}.${name}`;
    const field = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined;
    if (!field) findings.unknown.push(`unknown field "${inner}"`);
    else if (item !== null) out[name] = decode(item, field, inner, findings);
  }
  return out;
}
