import { readFile } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';

export interface CredentialsOptions {
  readonly token?: string;
  /** Wins over `token`; read again now and then, since the kubelet replaces it. */
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  /** Asked before every request; wins over the rest. Keeps its token itself, for as long as it is good. */
  readonly tokenSource?: () => Promise<string>;
}

/** A token file is read again after so long (client-go's period). */
const tokenFileMs = 60_000;

/** The Authorization header of a client. */
export class Credentials {
  readonly #options: CredentialsOptions;
  readonly #clock: Clock;
  #token: string | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: CredentialsOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#token = options.token;
  }

  async header(): Promise<string | undefined> {
    const { tokenFile, username, password, tokenSource } = this.#options;
    if (tokenSource) return `Bearer ${await tokenSource()}`;
    if (tokenFile !== undefined && this.#clock.monotonicMs() - this.#readAtMs > tokenFileMs) {
      this.#readAtMs = this.#clock.monotonicMs();
      try {
        this.#token = (await readFile(tokenFile, 'utf8')).trim();
      } catch (cause) {
        // The file may be in the middle of being replaced: the old token still serves for a while.
        if (this.#token === undefined) throw new Error(`reading the token file ${tokenFile} failed`, { cause });
      }
    }
    if (this.#token) return `Bearer ${this.#token}`;
    if (username !== undefined) return `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`;
    return undefined;
  }

  /** The server did not accept it: read the file again next time. */
  refused(): void {
    this.#readAtMs = Number.NEGATIVE_INFINITY;
  }
}
