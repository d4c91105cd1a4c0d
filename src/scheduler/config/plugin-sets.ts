/**
 * Which plugins take part at which point of a profile, and in which order.
 *
 * A profile's sets are laid over the default one: `disabled` takes away, `enabled` replaces in place or is added at the
 * end. `multiPoint` is spread over all points at which a plugin takes part, after those that a point names itself:
 *
 *   score: enabled [B(5), X]     multiPoint: A, B(2), C      ->  score: B(5), A, C, X
 */
import {
  type ExtensionPoint,
  extensionPoints,
  type PluginEntry,
  type Plugins,
  type PluginSet,
} from './configuration.ts';

/** A plugin set over the default one. */
function mergeSet(base: PluginSet = {}, custom: PluginSet = {}): PluginSet {
  const disabled = [...(custom.disabled ?? []), ...(base.disabled ?? [])];
  const off = new Set(disabled.map((p) => p.name));
  const own = new Map((custom.enabled ?? []).map((p) => [p.name, p]));
  const replaced = new Set<PluginEntry>();
  const enabled: PluginEntry[] = [];
  for (const plugin of off.has('*') ? [] : (base.enabled ?? [])) {
    if (off.has(plugin.name)) continue;
    const instead = own.get(plugin.name);
    if (instead !== undefined) replaced.add(instead);
    enabled.push(instead ?? plugin);
  }
  for (const plugin of custom.enabled ?? []) if (!replaced.has(plugin)) enabled.push(plugin);
  return { enabled, disabled };
}

/** What a profile says, over the plugins of the default profile. */
export function mergePlugins(defaults: readonly PluginEntry[], custom: Plugins = {}): Plugins {
  const merged: { -readonly [P in keyof Plugins]: PluginSet } = {
    multiPoint: mergeSet({ enabled: defaults }, custom.multiPoint),
  };
  for (const point of extensionPoints) merged[point] = mergeSet({}, custom[point]);
  return merged;
}

/** All that are enabled anywhere, each once. */
export function enabledNames(plugins: Plugins): readonly string[] {
  const names = new Set<string>();
  for (const point of ['multiPoint', ...extensionPoints] as const)
    for (const { name } of plugins[point]?.enabled ?? []) names.add(name);
  return [...names];
}

/** `PreFilterPlugin`, as the errors call a point. */
const typeName = (point: ExtensionPoint) => `${point[0]!.toUpperCase()}${point.slice(1)}Plugin`;

/**
 * The plugins of one point, in order. `takesPart`: whether a plugin has that point; undefined where there is no such
 * plugin. Throws, in upstream's words, for a plugin that is not there, does not take part, or is named twice.
 */
export function pluginsAt(
  point: ExtensionPoint,
  plugins: Plugins,
  takesPart: (name: string, point: ExtensionPoint) => boolean | undefined,
): readonly PluginEntry[] {
  const named = new Map<string, PluginEntry>();
  for (const plugin of plugins[point]?.enabled ?? []) {
    const takes = takesPart(plugin.name, point);
    if (takes === undefined) throw new Error(`${typeName(point)} "${plugin.name}" does not exist`);
    if (!takes) throw new Error(`plugin "${plugin.name}" does not extend ${typeName(point)} plugin`);
    if (named.has(plugin.name)) throw new Error(`plugin "${plugin.name}" already registered as "${typeName(point)}"`);
    named.set(plugin.name, plugin);
  }
  const off = new Set((plugins[point]?.disabled ?? []).map((p) => p.name));
  const spread = new Map<string, PluginEntry>();
  const overridden = new Set<string>();
  const seen = new Set<string>();
  for (const plugin of plugins.multiPoint?.enabled ?? []) {
    const takes = takesPart(plugin.name, point);
    if (takes === undefined) throw new Error(`plugin "${plugin.name}" does not exist`);
    if (!takes || off.has('*') || off.has(plugin.name)) continue;
    if (seen.has(plugin.name)) throw new Error(`plugin "${plugin.name}" already registered as "${typeName(point)}"`);
    seen.add(plugin.name);
    if (named.has(plugin.name)) overridden.add(plugin.name);
    else spread.set(plugin.name, plugin);
  }
  const own = [...named.values()];
  return [
    ...own.filter((p) => overridden.has(p.name)),
    ...spread.values(),
    ...own.filter((p) => !overridden.has(p.name)),
  ];
}
