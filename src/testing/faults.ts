/** A network that misbehaves between the components and the API server, by a seed: the same faults each time. */
import type { Random } from '../base/random.ts';
import { type Transport, TransportError, type TransportRequest, type TransportResponse } from '../client/client.ts';
import type { WatchFrame } from '../machinery/wire.ts';

/** Shares of requests, 0 to 1. Tests change them as they go; all 0 at first. */
export interface Faults {
  /** The request never arrives. */
  refuse: number;
  /** It is carried out, and its answer is lost. */
  lose: number;
  /** A watch breaks with the batch of events that it was about to give; each batch may. */
  cut: number;
}

export function noFaults(): Faults {
  return { refuse: 0, lose: 0, cut: 0 };
}

export class FaultyTransport implements Transport {
  readonly #transport: Transport;
  readonly #faults: Faults;
  readonly #random: Random;

  constructor(transport: Transport, faults: Faults, random: Random) {
    this.#transport = transport;
    this.#faults = faults;
    this.#random = random;
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    const what = `${request.method} ${request.url}`;
    if (this.#happens(this.#faults.refuse)) throw new TransportError(`${what}: connection refused (fault)`);
    const response = await this.#transport.request(request);
    if (this.#happens(this.#faults.lose)) {
      // Read to its end, so that what it asked for is done, and then forgotten.
      if (!request.url.includes('watch=true')) await response.body();
      throw new TransportError(`${what}: connection reset (fault)`);
    }
    return {
      status: response.status,
      headers: response.headers,
      body: () => response.body(),
      chunks: () => response.chunks(),
      frames: () => this.#frames(response, what),
    };
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  async *#frames(response: TransportResponse, what: string): AsyncGenerator<readonly WatchFrame[]> {
    for await (const batch of response.frames()) {
      if (this.#happens(this.#faults.cut)) throw new TransportError(`${what}: watch broken (fault)`);
      yield batch;
    }
  }

  /** Draws nothing while there are no faults, so that those do not change a run without them. */
  #happens(share: number): boolean {
    return share > 0 && this.#random.next() < share;
  }
}
