import type { ConfigMap, ContainerSpec, Pod, Secret, Service } from '../types.ts';
import { expand } from './expand.ts';
import { type NodeFacts, podFieldValue } from './field-path.ts';
import { type NodeResources, resourceFieldValue } from './resources.ts';

/** Reads what pods refer to. Undefined when there is no such object. */
export interface ObjectReader {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
  services(namespace: string): readonly Service[];
}

/** A reference that cannot be resolved: the container waits with CreateContainerConfigError, and is tried again. */
export class ContainerConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ContainerConfigError';
  }
}

export interface EnvInput {
  readonly pod: Pod;
  readonly container: ContainerSpec;
  readonly objects: ObjectReader;
  readonly facts: NodeFacts;
  readonly node: NodeResources;
}

export interface EnvVariable {
  readonly key: string;
  readonly value: string;
}

/**
 * A container's variables. Later ones win: those of Services, of `envFrom` in order, of `env` in order. A value in `env`
 * may refer with `$(NAME)` to variables before it and to those of Services.
 */
export async function containerEnv(input: EnvInput): Promise<EnvVariable[]> {
  const { pod, container } = input;
  const services = new Map(serviceVariables(pod, input.objects).map(({ key, value }) => [key, value]));
  const values = new Map<string, string>();
  for (const source of container.envFrom ?? []) {
    const data = source.configMapRef
      ? await configMapData(input, source.configMapRef.name ?? '', source.configMapRef.optional)
      : await secretData(input, source.secretRef?.name ?? '', source.secretRef?.optional);
    for (const [key, value] of Object.entries(data ?? {})) values.set((source.prefix ?? '') + key, value);
  }
  const lookup = (name: string) => values.get(name) ?? services.get(name);
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom
      ? await referencedValue(input, variable.valueFrom)
      : expand(variable.value ?? '', lookup);
    if (value !== undefined) values.set(variable.name, value);
  }
  return [...new Map([...services, ...values])].map(([key, value]) => ({ key, value }));
}

type ValueFrom = NonNullable<NonNullable<ContainerSpec['env']>[number]['valueFrom']>;

/** Undefined: an optional reference to what is not there; the variable is left out. */
async function referencedValue(input: EnvInput, from: ValueFrom): Promise<string | undefined> {
  const { pod, container } = input;
  const namespace = pod.metadata.namespace ?? '';
  if (from.fieldRef) return podFieldValue(pod, from.fieldRef.fieldPath, input.facts);
  if (from.resourceFieldRef) {
    const { resource, divisor, containerName } = from.resourceFieldRef;
    const of = pod.spec?.containers.find((c) => c.name === containerName) ?? container;
    return resourceFieldValue(of, resource, divisor, input.node);
  }
  if (from.configMapKeyRef) {
    const { name = '', key, optional } = from.configMapKeyRef;
    const data = await configMapData(input, name, optional);
    if (data?.[key] === undefined && !optional)
      throw new ContainerConfigError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    return data?.[key];
  }
  if (from.secretKeyRef) {
    const { name = '', key, optional } = from.secretKeyRef;
    const data = await secretData(input, name, optional);
    if (data?.[key] === undefined && !optional)
      throw new ContainerConfigError(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    return data?.[key];
  }
  throw new ContainerConfigError(`variable of container ${container.name}: its valueFrom names no known source`);
}

async function configMapData(input: EnvInput, name: string, optional: boolean | undefined) {
  const object = await input.objects.configMap(input.pod.metadata.namespace ?? '', name);
  if (!object && !optional) throw new ContainerConfigError(`configmap "${name}" not found`);
  return object?.data ?? (object ? {} : undefined);
}

async function secretData(input: EnvInput, name: string, optional: boolean | undefined) {
  const object = await input.objects.secret(input.pod.metadata.namespace ?? '', name);
  if (!object && !optional) throw new ContainerConfigError(`secret "${name}" not found`);
  if (!object) return undefined;
  return Object.fromEntries(
    Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
}

/**
 * The variables of Services, as links of old Docker had them. All of the pod's namespace, unless `enableServiceLinks` is
 * false; always `kubernetes` of the default namespace.
 */
export function serviceVariables(pod: Pod, objects: Pick<ObjectReader, 'services'>): EnvVariable[] {
  const apiServer = objects.services('default').filter((service) => service.metadata.name === 'kubernetes');
  const own = pod.spec?.enableServiceLinks === false ? [] : objects.services(pod.metadata.namespace ?? '');
  const byName = new Map([...apiServer, ...own].map((service) => [service.metadata.name ?? '', service]));
  const out: EnvVariable[] = [];
  for (const [name, service] of [...byName].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const ip = service.spec?.clusterIP;
    const ports = service.spec?.ports ?? [];
    if (!ip || ip === 'None' || ports.length === 0) continue;
    const prefix = variableName(name);
    const add = (suffix: string, value: string | number) => out.push({ key: prefix + suffix, value: String(value) });
    add('_SERVICE_HOST', ip);
    add('_SERVICE_PORT', ports[0]!.port);
    for (const port of ports) if (port.name) add(`_SERVICE_PORT_${variableName(port.name)}`, port.port);
    const host = ip.includes(':') ? `[${ip}]` : ip;
    ports.forEach((port, i) => {
      const protocol = port.protocol ?? 'TCP';
      const url = `${protocol.toLowerCase()}://${host}:${port.port}`;
      const link = `_PORT_${port.port}_${protocol}`;
      if (i === 0) add('_PORT', url);
      add(link, url);
      add(`${link}_PROTO`, protocol.toLowerCase());
      add(`${link}_PORT`, port.port);
      add(`${link}_ADDR`, ip);
    });
  }
  return out;
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
