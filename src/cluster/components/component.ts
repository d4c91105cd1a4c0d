/** What all components share: a signal ends them, `start` is undone stage by stage, flags are upstream's. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { messageOf } from '../../base/errors.ts';
import { secureRandom } from '../../base/node/secure-random.ts';
import { randomUuid } from '../../base/random.ts';
import { createLogger, type Logger } from '../logger.ts';
import { Stages } from '../stages.ts';
import { UsageError } from '../usage-error.ts';

export interface Running {
  readonly stages: Stages;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Ends the process, as a component does that has lost what it needs. */
  fail(message: string): void;
}

/** Runs a component until a signal comes; exits with 1 when it failed. */
export async function runComponent(
  name: string,
  verbosity: number,
  start: (running: Running) => Promise<void>,
): Promise<void> {
  const log = createLogger(verbosity);
  const stop = new AbortController();
  let failure: string | undefined;
  const end = () => stop.abort(new Error(`${name} was told to stop`));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  process.on('unhandledRejection', (error) =>
    log.warn(`unexpected: ${error instanceof Error ? error.stack : messageOf(error)}`),
  );
  const stages = new Stages(log, stop.signal);
  const fail = (message: string) => {
    failure = message;
    end();
  };
  try {
    await start({ stages, log, signal: stop.signal, fail });
    log.step(`${name} is running`);
    if (!stop.signal.aborted)
      await new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve(), { once: true }));
  } catch (error) {
    if (!(stop.signal.aborted && stop.signal.reason === error)) failure = messageOf(error);
    if (error instanceof UsageError) {
      await stages.undoAll();
      throw error;
    }
  }
  await stages.undoAll();
  if (failure !== undefined) console.error(`${name}: ${failure}`);
  process.exit(failure === undefined ? 0 : 1);
}

/** `15s`, `1m30s`, `500ms`: Go's durations, in milliseconds. */
export function duration(text: string): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map((p) => p[0]).join('') !== text)
    throw new InvalidArgumentError('want a duration such as 15s or 1m30s.');
  return parts.reduce((sum, part) => sum + Number(part[1]) * units[part[2]!]!, 0);
}

export const list = (text: string): string[] => text.split(',').filter((part) => part !== '');

/** `a=1,b=2`; a name alone has an empty value. */
export const pairs = (text: string): Record<string, string> =>
  Object.fromEntries(
    list(text).map((part) => {
      const equals = part.indexOf('=');
      return equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
    }),
  );

/** `--flag`, `--flag=true`, `--flag=false`: Go's booleans. */
export function boolean(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new InvalidArgumentError('want true or false.');
  return text === 'true';
}

export function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535) throw new InvalidArgumentError('want a port from 0 to 65535.');
  return value;
}

export const count = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('want a whole number.');
  return Number(text);
};

/** Every flag with its value as text, lists in brackets, as /flagz shows them. */
export function flagTexts(command: Command): Record<string, string> {
  const values = command.opts();
  const texts: Record<string, string> = {};
  for (const option of command.options) {
    const value: unknown = values[option.attributeName()];
    const name = (option.long ?? option.short ?? '').replace(/^-+/, '');
    texts[name] = textOf(value);
  }
  return texts;
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(',')}]`;
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([key, one]) => `${key}=${one}`)
      .join(',');
  return String(value ?? '');
}

/** A file that a flag names; the error names the flag. */
export function readFlagFile(flag: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${flag} ${path}: ${messageOf(error)}`);
  }
}

/** The value of a flag without which the component cannot be. */
export function required<T>(value: T | undefined, flag: string, what: string): T {
  if (value === undefined) throw new UsageError(`${flag} is required: ${what}`);
  return value;
}

/** Unlike that of any other replica, ever. */
export const replicaIdentity = (): string => `${hostname()}_${randomUuid(secureRandom)}`;

/** Flags of components that elect a leader, with upstream's defaults. */
export const addLeaderElectionFlags = (command: Command, leaderElect: boolean): Command =>
  command
    .option('--leader-elect [bool]', 'work only while holding the lease', boolean, leaderElect)
    .option('--leader-elect-lease-duration <duration>', 'others may take over after so long', duration, 15_000)
    .option('--leader-elect-renew-deadline <duration>', 'the leader that could not renew gives up', duration, 10_000)
    .option('--leader-elect-retry-period <duration>', 'between tries', duration, 2_000);

export interface LeaderElectionFlags {
  readonly leaderElect: boolean;
  readonly leaderElectLeaseDuration: number;
  readonly leaderElectRenewDeadline: number;
  readonly leaderElectRetryPeriod: number;
}
