/**
 * Who bears a token, and what somebody may do: asked of the API server, and remembered for a while (upstream: delegating
 * authentication and authorisation of the components' own ports).
 */
import type { SubjectAccessReview } from '../apis/generated/types/authorization.k8s.io/v1.ts';
import type { TokenReview } from '../apis/generated/types/authentication.k8s.io/v1.ts';
import type { Clock } from '../base/clock.ts';
import type { UserInfo } from '../machinery/wire.ts';
import type { Client } from './client.ts';

/** Entries past this: the oldest goes. */
const mostCached = 1000;

export interface ReviewTimes {
  readonly tokenMs: number;
  readonly allowedMs: number;
  readonly deniedMs: number;
}

export type AccessQuestion = Pick<
  NonNullable<SubjectAccessReview['spec']>,
  'resourceAttributes' | 'nonResourceAttributes'
>;

export const anonymousUser: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] };

export class Reviews {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #times: ReviewTimes;
  readonly #decisions = new Cache<boolean>();
  readonly #tokens = new Cache<UserInfo | undefined>();

  constructor(client: Client, clock: Clock, times: ReviewTimes) {
    this.#client = client;
    this.#clock = clock;
    this.#times = times;
  }

  /** Of an Authorization header; undefined: nobody. Rejects when the API server cannot be asked. */
  async userOf(header: string): Promise<UserInfo | undefined> {
    const token = /^Bearer (\S+)$/i.exec(header)?.[1];
    if (!token) return undefined;
    const known = this.#tokens.get(token, this.#clock.now());
    if (known) return known.value;
    const review = await this.#client
      .resource<TokenReview>({ group: 'authentication.k8s.io', version: 'v1', resource: 'tokenreviews' })
      .create<TokenReview>({ metadata: {}, spec: { token } });
    const found = review.status?.authenticated ? review.status.user : undefined;
    const user = found?.username
      ? { username: found.username, groups: found.groups ?? [], ...(found.uid ? { uid: found.uid } : {}) }
      : undefined;
    this.#tokens.set(token, user, this.#clock.now() + this.#times.tokenMs);
    return user;
  }

  /** Rejects when the API server cannot be asked. */
  async may(user: UserInfo, question: AccessQuestion): Promise<boolean> {
    const key = JSON.stringify([user.username, user.groups, question]);
    const known = this.#decisions.get(key, this.#clock.now());
    if (known) return known.value;
    const review = await this.#client
      .resource<SubjectAccessReview>({ group: 'authorization.k8s.io', version: 'v1', resource: 'subjectaccessreviews' })
      .create<SubjectAccessReview>({
        metadata: {},
        spec: {
          user: user.username,
          groups: [...user.groups],
          ...(user.uid ? { uid: user.uid } : {}),
          ...question,
        },
      });
    const allowed = review.status?.allowed ?? false;
    this.#decisions.set(key, allowed, this.#clock.now() + this.#times[allowed ? 'allowedMs' : 'deniedMs']);
    return allowed;
  }
}

class Cache<T> {
  readonly #entries = new Map<string, { readonly value: T; readonly untilMs: number }>();

  get(key: string, nowMs: number): { readonly value: T } | undefined {
    const entry = this.#entries.get(key);
    return entry && entry.untilMs > nowMs ? entry : undefined;
  }

  set(key: string, value: T, untilMs: number): void {
    this.#entries.delete(key);
    if (this.#entries.size >= mostCached) this.#entries.delete(this.#entries.keys().next().value as string);
    this.#entries.set(key, { value, untilMs });
  }
}
