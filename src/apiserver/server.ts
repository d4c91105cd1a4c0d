/**
 * The API server, free of any socket: a filter chain in front of the registry. Composition roots hand in the store, the
 * clock, randomness and keys; the HTTP listener (`http/listener.ts`) and the client's direct transport both call
 * `handler`.
 */
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Handler, WireRequest, WireResponse } from '../machinery/wire.ts';
import { newServiceUnavailable } from '../machinery/status/errors.ts';
import type { Store } from '../store/store.ts';
import type { TokenKeys } from './authn/token-keys.ts';
import { statusResponse } from './filters/status-response.ts';

/** Named as upstream's flags. */
export interface ApiServerOptions {
  /** The address and port that the `kubernetes` Service leads to. Default 127.0.0.1 and 6443. */
  readonly advertiseAddress?: string;
  readonly securePort?: number;
  /** Default `10.96.0.0/12`. */
  readonly serviceClusterIPRange?: string;
  /** Default `30000-32767`. */
  readonly serviceNodePortRange?: string;
  /** Default `['Node', 'RBAC']`. `AlwaysAllow` is for tests. */
  readonly authorizationMode?: readonly ('Node' | 'RBAC' | 'AlwaysAllow')[];
  /** Default true: requests without credentials are system:anonymous. */
  readonly anonymousAuth?: boolean;
  /** Lines of `token,user,uid,"group1,group2"`: the contents of upstream's token file. */
  readonly tokenAuthFile?: string;
  /** Default `https://kubernetes.default.svc.cluster.local`; also the only audience unless `apiAudiences` says more. */
  readonly serviceAccountIssuer?: string;
  readonly apiAudiences?: readonly string[];
  /** PEM; published in kube-system/extension-apiserver-authentication. */
  readonly clientCAFile?: string;
  readonly requestheaderClientCAFile?: string;
  /** Defaults 400 and 200. */
  readonly maxRequestsInflight?: number;
  readonly maxMutatingRequestsInflight?: number;
  /** Default 60,000. */
  readonly requestTimeoutMs?: number;
  /** Default InternalIP, Hostname, ... as upstream. */
  readonly kubeletPreferredAddressTypes?: readonly string[];
  readonly enableAdmissionPlugins?: readonly string[];
  readonly disableAdmissionPlugins?: readonly string[];
}

export interface ApiServerDependencies {
  /** Stays the caller's: `stop` does not close it. */
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** Signs and verifies ServiceAccount tokens; absent: TokenRequests are refused and no token is known. */
  readonly tokenKeys?: TokenKeys;
  /** What went wrong and changed no answer. Default: dropped. */
  readonly onError?: (error: unknown, what: string) => void;
}

export interface ApiServer {
  /** Answers before `start` with 503, never rejects. `request.user` presets who asks (direct transport). */
  readonly handler: Handler;
  /** Loads the caches and makes the bootstrap objects (namespaces, RBAC, ...); resolves when `readyz` is true. */
  start(): Promise<void>;
  /** Ends every watch and refuses new requests. */
  stop(): Promise<void>;
  /** Names of checks that fail; empty: ready. */
  readyz(): readonly string[];
}

export function createApiServer(_options: ApiServerOptions, _dependencies: ApiServerDependencies): ApiServer {
  let started = false;
  return {
    handler: async (_request: WireRequest): Promise<WireResponse> =>
      statusResponse(newServiceUnavailable('the server is starting')),
    async start() {
      started = true;
    },
    async stop() {
      started = false;
    },
    readyz: () => (started ? [] : ['start']),
  };
}
