import { type FSWatcher, watch } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { Lifetime } from '../../base/lifetime.ts';
import { GrpcChannel } from '../runtime/cri/channel.ts';
import descriptor from './registration.json' with { type: 'json' };

export interface PluginInfo {
  /** `CSIPlugin`, `DevicePlugin`, `DRAPlugin`. */
  readonly type: string;
  readonly name: string;
  /** Where it is to be spoken to; empty: at the socket that it registered with. */
  readonly endpoint: string;
  readonly supportedVersions: readonly string[];
}

/** What takes plugins of one type. */
export interface PluginHandler {
  /** `endpoint` is never empty. Rejects when the plugin cannot be taken: it is told why, and tried again later. */
  register(plugin: PluginInfo): Promise<void>;
  /** Its socket is gone. */
  deregister(name: string): void;
}

export interface PluginWatcherDeps {
  readonly clock: Clock;
  readonly log: (message: string) => void;
  /** By type. */
  readonly handlers: Readonly<Record<string, PluginHandler>>;
}

interface Registered {
  /** A socket that was made anew is another plugin. */
  readonly madeMs: number;
  readonly info: PluginInfo;
}

/** Directories tell of changes; this is for those that do not, and for plugins that could not be taken. */
const rescanMs = 10_000;
const retryMs = 1_000;
const callTimeoutMs = 10_000;
const service = 'pluginregistration.Registration';

/**
 * Follows a directory of sockets: whoever puts one there is asked who it is, given to the handler of its type, and told
 * how that went. One that goes is deregistered; one that comes anew is registered anew.
 */
export class PluginWatcher {
  readonly #directory: string;
  readonly #deps: PluginWatcherDeps;
  readonly #registered = new Map<string, Registered>();
  readonly #lifetime: Lifetime;
  #watcher: FSWatcher | undefined;
  #wake: () => void = () => {};

  constructor(directory: string, deps: PluginWatcherDeps) {
    this.#directory = directory;
    this.#deps = deps;
    this.#lifetime = new Lifetime((error) => deps.log(`plugins: ${messageOf(error)}`));
  }

  async start(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o750 });
    this.#watcher = watch(this.#directory, { recursive: false }, () => this.#wake());
    this.#watcher.on('error', () => {});
    this.#lifetime.spawn((signal) => this.#run(signal));
  }

  async stop(): Promise<void> {
    this.#watcher?.close();
    await this.#lifetime.stop();
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let isDirty = false;
      const woken = new AbortController();
      this.#wake = () => {
        isDirty = true;
        woken.abort();
      };
      const failed = await this.#scan(signal);
      if (isDirty) continue;
      const waitMs = failed ? retryMs : rescanMs;
      await sleep(this.#deps.clock, waitMs, AbortSignal.any([signal, woken.signal]), 'plugins').catch(() => {});
    }
  }

  /** Returns whether any plugin could not be taken. */
  async #scan(signal: AbortSignal): Promise<boolean> {
    const found = new Map<string, number>();
    for (const name of await readdir(this.#directory).catch(() => [])) {
      const path = join(this.#directory, name);
      const info = await stat(path).catch(() => undefined);
      if (info?.isSocket()) found.set(path, info.ctimeMs);
    }
    for (const [path, { madeMs, info }] of this.#registered) {
      if (found.get(path) === madeMs) continue;
      this.#registered.delete(path);
      this.#deps.handlers[info.type]?.deregister(info.name);
    }
    let failed = false;
    for (const [path, madeMs] of found) {
      if (signal.aborted || this.#registered.has(path)) continue;
      try {
        this.#registered.set(path, { madeMs, info: await this.#register(path, signal) });
      } catch (error) {
        failed = true;
        if (!signal.aborted) this.#deps.log(`registering plugin ${path}: ${messageOf(error)}`);
      }
    }
    return failed;
  }

  async #register(path: string, signal: AbortSignal): Promise<PluginInfo> {
    const channel = new GrpcChannel(`unix:${path}`, descriptor);
    const call = { timeoutMs: callTimeoutMs, signal };
    const tell = (error: string) =>
      channel.unary(service, 'NotifyRegistrationStatus', { pluginRegistered: error === '', error }, call);
    try {
      const info = await channel.unary<PluginInfo>(service, 'GetInfo', {}, call);
      const handler = this.#deps.handlers[info.type];
      try {
        if (!handler) throw new Error(`no handler registered for plugin type: ${info.type} at socket ${path}`);
        await handler.register({ ...info, endpoint: info.endpoint || path });
      } catch (error) {
        await tell(messageOf(error)).catch(() => {});
        throw error;
      }
      await tell('');
      return info;
    } finally {
      channel.close();
    }
  }
}
