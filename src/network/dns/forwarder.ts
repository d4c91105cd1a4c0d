/**
 * Names that are not the cluster's: asked of the servers of their stub domain, else of the node's own, and kept for a while.
 *
 * A question that is being asked is asked once, however many want to know. A server that did not answer is tried last for
 * some seconds, so that one dead server costs one time-out and not one a question.
 */
import { randomInt } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { aged, type Inspected, inspect } from './message.ts';
import type { DnsMetrics } from './metrics.ts';

export interface ForwarderOptions {
  /** Addresses of resolvers, in order of preference; none: such names fail at once. */
  readonly upstreams: readonly string[];
  readonly upstreamTimeoutMs: number;
  /** Whose names go to which servers; the longest domain wins. */
  readonly stubDomains?: Readonly<Record<string, readonly string[]>>;
  /** Answers that are kept at the most; default 10,000. */
  readonly cacheEntries?: number;
}

export interface ForwarderDeps {
  readonly clock: Clock;
  /** One question to one server; rejects when it does not answer in time. */
  readonly ask: (message: Uint8Array, address: string, overTcp: boolean, timeoutMs: number) => Promise<Uint8Array>;
  readonly metrics?: DnsMetrics;
}

export interface ForwardedQuestion {
  readonly name: string;
  readonly type: string;
  readonly overTcp: boolean;
  /** What of the client's EDNS changes the answer. */
  readonly edns: string;
}

interface Kept {
  readonly message: Uint8Array;
  readonly inspected: Inspected;
  readonly atMs: number;
  readonly untilMs: number;
}

/** As upstream's cluster DNS: nothing is kept longer. */
const mostSeconds = 30;
const failedMs = 10_000;
const rcodes = { noError: 0, nxDomain: 3 };

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #deps: ForwarderDeps;
  /** In the order in which they came: the oldest goes first. */
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, Promise<Uint8Array | undefined>>();
  /** Until when a server is tried last. */
  readonly #failed = new Map<string, number>();

  constructor(options: ForwarderOptions, deps: ForwarderDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** The answer, with the message's own id; undefined when nobody gave one. */
  async forward(message: Uint8Array, question: ForwardedQuestion): Promise<Uint8Array | undefined> {
    const { clock, metrics } = this.#deps;
    const id = (message[0]! << 8) | message[1]!;
    const key = `${question.name} ${question.type} ${question.edns} ${question.overTcp}`;
    const kept = this.#kept.get(key);
    if (kept && kept.untilMs > clock.monotonicMs()) {
      metrics?.cacheHits.inc([kept.inspected.rcode === rcodes.noError ? 'success' : 'denial']);
      return aged(kept.message, kept.inspected, id, Math.floor((clock.monotonicMs() - kept.atMs) / 1000));
    }
    metrics?.cacheMisses.inc();
    let asking = this.#asking.get(key);
    if (!asking) {
      asking = this.#ask(message, question).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    const reply = await asking;
    const inspected = reply && inspect(reply);
    if (!reply || !inspected) return undefined;
    this.#keep(key, reply, inspected);
    return aged(reply, inspected, id, 0);
  }

  #keep(key: string, message: Uint8Array, inspected: Inspected): void {
    const { clock, metrics } = this.#deps;
    this.#kept.delete(key);
    const isAnswer = inspected.rcode === rcodes.noError || inspected.rcode === rcodes.nxDomain;
    const seconds = Math.min(mostSeconds, inspected.ttlSeconds);
    if (isAnswer && !inspected.truncated && seconds > 0) {
      const atMs = clock.monotonicMs();
      this.#kept.set(key, { message, inspected, atMs, untilMs: atMs + seconds * 1000 });
      const [oldest] = this.#kept.keys();
      if (this.#kept.size > (this.#options.cacheEntries ?? 10_000) && oldest !== undefined) this.#kept.delete(oldest);
    }
    metrics?.cacheEntries.set(this.#kept.size);
  }

  async #ask(message: Uint8Array, { name, overTcp }: ForwardedQuestion): Promise<Uint8Array | undefined> {
    const { clock, ask, metrics } = this.#deps;
    const failing = (address: string) => Number((this.#failed.get(address) ?? 0) > clock.monotonicMs());
    const servers = [...this.#serversOf(name)].sort((a, b) => failing(a) - failing(b));
    for (const address of servers) {
      // Our own id: the client's is known to it, and an answer that is kept must not be guessed by it.
      const query = new Uint8Array(message);
      new DataView(query.buffer).setUint16(0, randomInt(0x10000));
      metrics?.forwards.inc([address]);
      try {
        const reply = await ask(query, address, overTcp, this.#options.upstreamTimeoutMs);
        this.#failed.delete(address);
        return reply;
      } catch {
        metrics?.forwardFailures.inc([address]);
        this.#failed.set(address, clock.monotonicMs() + failedMs);
      }
    }
    return undefined;
  }

  #serversOf(name: string): readonly string[] {
    const { stubDomains = {}, upstreams } = this.#options;
    for (let domain = name; domain !== ''; domain = domain.slice(domain.indexOf('.') + 1 || domain.length)) {
      const servers = Object.hasOwn(stubDomains, domain) ? stubDomains[domain] : undefined;
      if (servers) return servers;
    }
    return upstreams;
  }
}

/** `example.com=192.0.2.53,192.0.2.54`; throws for anything else. */
export function parseStubDomain(text: string): readonly [string, readonly string[]] {
  const [domain = '', servers = ''] = text.split('=');
  const addresses = servers.split(',').filter(Boolean);
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(domain) || addresses.length === 0)
    throw new Error(`'${text}' is no stub domain: want DOMAIN=ADDRESS,...`);
  return [domain.toLowerCase(), addresses];
}
