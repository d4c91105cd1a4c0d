/**
 * The API server, free of any socket: a filter chain in front of the registry. Composition roots hand in the store, the
 * clock, randomness and keys; the HTTP listener (`http/listener.ts`) and the client's direct transport both call
 * `handler`.
 */
import type { Clock } from '../base/clock.ts';
import { sleep } from '../base/clock.ts';
import { Lifetime } from '../base/lifetime.ts';
import type { MetricsRegistry } from '../base/metrics.ts';
import type { Random } from '../base/random.ts';
import { kinds } from '../apis/index.ts';
import { loadOpenApi } from '../apis/openapi.ts';
import { allResources } from '../apis/scheme.ts';
import type { CustomKind } from '../machinery/openapi/custom.ts';
import { newServiceUnavailable } from '../machinery/status/errors.ts';
import { isConflict, isNotFound } from '../machinery/status/is.ts';
import type { KubeObject } from '../machinery/meta/object.ts';
import type { Handler, WireResponse } from '../machinery/wire.ts';
import { runCompactor } from '../store/compactor.ts';
import type { Store } from '../store/store.ts';
import { Aggregator } from './aggregation/aggregator.ts';
import { AggregationController } from './aggregation/controller.ts';
import { fetchTarget } from './aggregation/direct.ts';
import { mergedIndex } from './aggregation/openapi-index.ts';
import { admissionPlugins } from './admission/order.ts';
import type { QuotaStore } from './admission/resource-quota/plugin.ts';
import { matchConditionsOf } from './admission/policy/match-conditions.ts';
import { WebhookMetrics } from './admission/webhook/metrics.ts';
import type { AuditSink } from './audit/audit.ts';
import { defaultNodePortRange, type PortRange } from './allocators/node-ports.ts';
import { keepIpAddresses } from './allocators/ip-addresses.ts';
import { ServiceAllocator } from './allocators/services.ts';
import { Authenticator } from './authn/authenticator.ts';
import { RequestHeaderAuthenticator, type RequestHeaderOptions, usualRequestHeaders } from './authn/request-header.ts';
import { authenticationReviewHandlers } from './authn/reviews.ts';
import { ServiceAccountTokenAuthenticator } from './authn/service-account-tokens.ts';
import { parseTokenFile } from './authn/token-file.ts';
import type { TokenKeys } from './authn/token-keys.ts';
import { tokenRequestHandler } from './authn/token-request.ts';
import { accessReviewHandlers } from './authz/access-reviews.ts';
import { alwaysAllow, type Authorizer, privilegedGroupAuthorizer, unionAuthorizer } from './authz/authorizer.ts';
import { escalationHooks } from './authz/escalation.ts';
import { NodeAuthorizer } from './authz/node-authorizer.ts';
import { RbacAuthorizer } from './authz/rbac-authorizer.ts';
import { type BootstrapOptions, bootstrap, keepBootstrapped } from './bootstrap/bootstrap.ts';
import { keepIdentityLease } from './bootstrap/identity-lease.ts';
import { Loopback } from './bootstrap/loopback.ts';
import { followChanges } from './bootstrap/on-change.ts';
import { nodeRules } from './bootstrap/rbac.ts';
import { CustomResourceController } from './customresources/controller.ts';
import { Discovery } from './discovery/discovery.ts';
import type { RemoteVersion } from './discovery/remote.ts';
import { createChain } from './filters/chain.ts';
import { answerDump } from './flowcontrol/debug.ts';
import { FlowControl } from './flowcontrol/flow-control.ts';
import { FlowControlMetrics } from './flowcontrol/metrics.ts';
import { flowSchemaStatusReads, updateFlowSchemaStatus } from './flowcontrol/status.ts';
import { statusResponse } from './filters/status-response.ts';
import { componentStatusHandler } from './health/component-status.ts';
import { apiServerChecks } from './health/checks.ts';
import { Health } from './health/health.ts';
import { ApiServerMetrics } from './metrics/apiserver-metrics.ts';
import { nonResourceHandler } from './non-resource.ts';
import { OpenApi } from './openapi/openapi.ts';
import { noOutbound, type Outbound } from './outbound/outbound.ts';
import { convert } from './outbound/conversion-review.ts';
import { WebhookClient, type WebhookClientConfig } from './outbound/webhook-client.ts';
import { forwardHandlers } from './proxy/forward.ts';
import { defaultAddressTypes, hostPort } from './proxy/node-address.ts';
import { podStreamHandlers } from './proxy/pod-streams.ts';
import { builtinResources } from './registry/builtin.ts';
import { type EnabledOptions, enabledResources } from './registry/enabled.ts';
import { createRegistry, type Registry } from './registry/registry.ts';
import type { ContextHandler, RequestContext } from './request-context.ts';
import { kubernetesVersion } from './version.ts';
import { ZPages } from './zpages/zpages.ts';

/** Named as upstream's flags. */
export interface ApiServerOptions extends EnabledOptions {
  /** Where the `kubernetes` Service leads to. Default 127.0.0.1 (which only this host can follow) and 6443. */
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
  /** PEM, published there too: front proxies whose certificates it has signed may name users in headers. */
  readonly requestheaderClientCAFile?: string;
  /** How front proxies do that. Default: kubeadm's settings. */
  readonly requestHeaders?: RequestHeaderOptions;
  /** With it the server keeps a Lease in kube-system that says that it is there. */
  readonly hostname?: string;
  /** What /flagz shows: flags by name, values as text. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Defaults 400 and 200. */
  readonly maxRequestsInflight?: number;
  readonly maxMutatingRequestsInflight?: number;
  /** Default 60,000. */
  readonly requestTimeoutMs?: number;
  /** Default InternalIP, Hostname, ... */
  readonly kubeletPreferredAddressTypes?: readonly string[];
  /** Besides those on by default. */
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
  /** Adds what only the platform knows (memory, processor time, the event loop's delay) to /metrics. */
  readonly platformMetrics?: (registry: MetricsRegistry) => void;
  /** Reaches webhooks and aggregated API servers. Default: none can be reached. */
  readonly outbound?: Outbound;
  /** Told of every answered request. Default: nobody. */
  readonly audit?: AuditSink;
  /** What went wrong and changed no answer. Default: dropped. */
  readonly onError?: (error: unknown, what: string) => void;
}

export interface ApiServer {
  /** Answers before `start` and after `stop` with 503; never rejects. `request.user` presets who asks. */
  readonly handler: Handler;
  readonly registry: Registry;
  readonly metrics: ApiServerMetrics;
  /**
   * Loads the caches and makes the bootstrap objects (namespaces, RBAC, ...); resolves when all is ready. `securePort`
   * where it is known only now (a listener on port 0).
   */
  start(at?: { readonly securePort?: number }): Promise<void>;
  /** Ends every watch and refuses new requests. */
  stop(): Promise<void>;
  /** Names of checks that fail; empty: ready. */
  readyz(): readonly string[];
}

const defaultIssuer = 'https://kubernetes.default.svc.cluster.local';
/** How often what may not be missing is looked after (upstream: 10 s for the `kubernetes` Service, 60 s for namespaces). */
const keepMs = 10_000;

export function createApiServer(options: ApiServerOptions, dependencies: ApiServerDependencies): ApiServer {
  return new PortableApiServer(options, dependencies);
}

const statuszPaths = ['/flagz', '/healthz', '/livez', '/metrics', '/readyz', '/statusz', '/version'];
const noKinds: readonly CustomKind[] = [];
const objectsPerSeat = 100;
const maxListSeats = 10;

const noRemotes: readonly RemoteVersion[] = [];

type State = 'new' | 'loading' | 'serving' | 'ready' | 'stopped';

class PortableApiServer implements ApiServer {
  readonly handler: Handler;
  readonly registry: Registry;
  /** Asks webhooks; conversion of custom resources uses it too. */
  readonly webhookClient: WebhookClient;
  readonly metrics = new ApiServerMetrics();
  readonly #options: ApiServerOptions;
  readonly #dependencies: ApiServerDependencies;
  readonly #rbac = new RbacAuthorizer();
  readonly #authorizer: Authorizer;
  readonly #services: ServiceAllocator;
  readonly #health: Health;
  readonly #outbound: Outbound;
  readonly #aggregator: Aggregator;
  readonly #flowControl: FlowControl;
  #aggregation: AggregationController | undefined;
  readonly #lifetime: Lifetime;
  readonly #onError: (error: unknown, what: string) => void;
  #customResources: CustomResourceController | undefined;
  #securePort: number;
  #state: State = 'new';

  constructor(options: ApiServerOptions, dependencies: ApiServerDependencies) {
    const { store, clock, random, tokenKeys } = dependencies;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#onError = dependencies.onError ?? (() => {});
    this.#lifetime = new Lifetime((error) => this.#onError(error, 'apiserver'));
    this.#securePort = options.securePort ?? 6443;
    this.#services = new ServiceAllocator(
      {
        serviceCidr: this.#serviceRange,
        nodePortRange: options.serviceNodePortRange
          ? parsePortRange(options.serviceNodePortRange)
          : defaultNodePortRange,
      },
      random,
    );
    const lookup = () => this.registry.lookup;
    this.#outbound = dependencies.outbound ?? noOutbound;
    this.webhookClient = new WebhookClient({ outbound: this.#outbound, lookup, random, clock });
    this.#aggregator = new Aggregator({ lookup, random });
    this.#flowControl = new FlowControl(
      {
        serverConcurrency: (options.maxRequestsInflight ?? 400) + (options.maxMutatingRequestsInflight ?? 200),
        maxWaitMs: (options.requestTimeoutMs ?? 60_000) / 4,
      },
      { clock, metrics: new FlowControlMetrics(this.metrics.registry) },
    );
    const webhooks = {
      lookup,
      resources: () => this.registry.resources(),
      client: this.webhookClient,
      random,
      clock,
      metrics: new WebhookMetrics(this.metrics.registry),
      matchConditions: matchConditionsOf({ lookup, authorizer: () => this.#authorizer }),
      onError: this.#onError,
    };
    this.registry = createRegistry({
      store,
      clock,
      random,
      resources: builtinResources(kinds, options),
      admission: admissionPlugins(
        { lookup, random, clock, webhooks, quotas: this.#quotaStore(clock), authorizer: () => this.#authorizer },
        { enable: options.enableAdmissionPlugins ?? [], disable: options.disableAdmissionPlugins ?? [] },
      ),
      hooks: [this.#services, ...escalationHooks(() => ({ rbac: this.#rbac, authorizer: this.#authorizer }))],
      onError: this.#onError,
    });
    this.#authorizer = this.#makeAuthorizer();
    this.#health = this.#makeHealth();
    const chain = this.#makeChain(clock, random, tokenKeys);
    this.handler = async (request) => {
      if (this.#serving) {
        const response = await chain(request);
        const direct = request.user !== undefined && response.kind === 'proxy' && !request.upgrade;
        if (!direct || response.target.trust !== 'frontProxy') return response;
        return fetchTarget(response.target, request, this.#outbound);
      }
      const why = this.#state === 'stopped' ? 'the server is shutting down' : 'the server is starting';
      return statusResponse(newServiceUnavailable(why));
    };
  }

  #quotaStore(clock: Clock): QuotaStore {
    const resource = { group: '', version: 'v1', resource: 'resourcequotas' };
    return {
      caughtUp: () => this.registry.caughtUp(),
      writeStatus: async (quota) => {
        try {
          await new Loopback(this.registry, clock).update(resource, quota as KubeObject, 'status');
          return true;
        } catch (error) {
          if (isConflict(error) || isNotFound(error)) return false;
          throw error;
        }
      },
    };
  }

  async start(at: { readonly securePort?: number } = {}): Promise<void> {
    if (this.#state !== 'new') throw new Error(`starting the API server: it is ${this.#state} already`);
    this.#securePort = at.securePort ?? this.#securePort;
    this.#state = 'loading';
    await this.registry.start();
    // `stop` may come at any point of a start, and then wins.
    if (this.#stopped) return;
    this.#services.attach(this.registry.lookup);
    this.#rbac.start(this.registry.lookup);
    this.#dependencies.platformMetrics?.(this.metrics.registry);
    const { clock, store } = this.#dependencies;
    const loopback = new Loopback(this.registry, clock);
    this.#customResources = new CustomResourceController({
      registry: this.registry,
      loopback,
      clock,
      onError: this.#onError,
      convert: (definition, desiredApiVersion, objects) =>
        convert(
          { client: this.webhookClient, random: this.#dependencies.random },
          {
            config: (definition.spec.conversion?.webhook?.clientConfig ?? {}) as WebhookClientConfig,
            reviewVersions: definition.spec.conversion?.webhook?.conversionReviewVersions ?? [],
            kind: `${objects[0]?.apiVersion ?? ''}, Kind=${definition.spec.names.kind}`,
            desiredApiVersion,
            objects,
          },
        ),
    });
    await this.#customResources.start();
    if (this.#stopped) return;
    this.#aggregator.start();
    this.#flowControl.start(this.registry.lookup);
    const aggregation = this.#makeAggregation(loopback);
    this.#aggregation = aggregation;
    this.#state = 'serving';
    try {
      await Promise.all([bootstrap(loopback, this.#bootstrapOptions), aggregation.registerAtStart()]);
    } catch (error) {
      if (this.#stopped) return;
      throw error;
    }
    if (this.#stopped) return;
    this.#state = 'ready';
    this.#lifetime.spawn((signal) => this.#keep(loopback, signal));
    this.#lifetime.spawn((signal) => aggregation.run(signal));
    const { lookup } = this.registry;
    const statusOfFlowSchemas = {
      lookup,
      reads: flowSchemaStatusReads,
      sync: () => updateFlowSchemaStatus(lookup, loopback, clock),
      clock,
      onError: (error: unknown) => this.#onError(error, 'the status of FlowSchemas'),
    };
    this.#lifetime.spawn((signal) => followChanges(statusOfFlowSchemas, signal));
    const ipAddresses = { lookup, loopback, clock, onError: this.#onError };
    this.#lifetime.spawn((signal) => keepIpAddresses(ipAddresses, signal));
    const { hostname } = this.#options;
    if (hostname !== undefined) {
      const identity = { hostname, peerAddress: this.#serverAddress() };
      const onError = (error: unknown) => this.#onError(error, 'the identity lease');
      const { random } = this.#dependencies;
      this.#lifetime.spawn((signal) =>
        keepIdentityLease(identity, { loopback, lookup, clock, random, onError }, signal),
      );
    }
    const onError = (error: unknown) => this.#onError(error, 'compacting the store');
    this.#lifetime.spawn((signal) => runCompactor({ store, clock, onError }, signal));
  }

  async stop(): Promise<void> {
    this.#state = 'stopped';
    await this.#lifetime.stop();
    this.#aggregator.stop();
    this.#flowControl.stop();
    await this.#customResources?.stop();
    this.#rbac.stop();
    this.#services.detach();
    await this.registry.stop();
  }

  readyz(): readonly string[] {
    return this.#health.failing('readyz');
  }

  get #serving(): boolean {
    return this.#state === 'serving' || this.#state === 'ready';
  }

  get #stopped(): boolean {
    return this.#state === 'stopped';
  }

  get #serviceRange(): string {
    return this.#options.serviceClusterIPRange ?? '10.96.0.0/12';
  }

  get #advertiseAddress(): string {
    return this.#options.advertiseAddress ?? '127.0.0.1';
  }

  readonly #serverAddress = () => hostPort(this.#advertiseAddress, this.#securePort);

  async #keep(loopback: Loopback, signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(this.#dependencies.clock, keepMs, signal, 'apiserver: bootstrap objects');
      try {
        await keepBootstrapped(loopback, this.#bootstrapOptions);
      } catch (error) {
        this.#onError(error, 'keeping the bootstrap objects');
      }
    }
  }

  get #bootstrapOptions(): BootstrapOptions {
    return {
      authentication: {
        clientCAFile: this.#options.clientCAFile ?? '',
        requestheaderClientCAFile: this.#options.requestheaderClientCAFile ?? '',
        ...(this.#options.requestHeaders ?? usualRequestHeaders),
      },
      serviceClusterIPRange: this.#serviceRange,
      advertiseAddress: this.#advertiseAddress,
      securePort: this.#securePort,
      nowMs: this.#dependencies.clock.now(),
    };
  }

  #makeAuthorizer(): Authorizer {
    const authorizers: Authorizer[] = [privilegedGroupAuthorizer];
    for (const mode of this.#options.authorizationMode ?? ['Node', 'RBAC']) {
      if (mode === 'Node') authorizers.push(new NodeAuthorizer(this.registry.lookup, nodeRules));
      else authorizers.push(mode === 'RBAC' ? this.#rbac : alwaysAllow);
    }
    return unionAuthorizer(authorizers);
  }

  #makeHealth(): Health {
    return new Health(
      apiServerChecks({
        serving: () => this.#serving,
        ready: () => this.#state === 'ready',
        stopped: () => this.#stopped,
      }),
    );
  }

  #makeChain(clock: Clock, random: Random, tokenKeys: TokenKeys | undefined): Handler {
    const { lookup } = this.registry;
    const issuer = this.#options.serviceAccountIssuer ?? defaultIssuer;
    const audiences = this.#options.apiAudiences ?? [issuer];
    const authenticator = new Authenticator({
      anonymousAuth: this.#options.anonymousAuth ?? true,
      staticTokens: parseTokenFile(this.#options.tokenAuthFile ?? ''),
      apiAudiences: audiences,
      ...(this.#options.requestheaderClientCAFile === undefined
        ? {}
        : { requestHeaders: new RequestHeaderAuthenticator(this.#options.requestHeaders ?? usualRequestHeaders) }),
      ...(tokenKeys === undefined
        ? {}
        : {
            serviceAccounts: new ServiceAccountTokenAuthenticator(
              { issuer, audiences },
              { keys: tokenKeys, clock, lookup },
            ),
          }),
    });
    this.#addHandlers(authenticator, tokenKeys, { issuer, audiences });
    const other = nonResourceHandler({
      discovery: new Discovery(
        () => this.registry.resources(),
        this.#serverAddress,
        () => this.#aggregation?.remoteVersions() ?? noRemotes,
      ),
      openApi: new OpenApi(
        () =>
          loadOpenApi({
            version: kubernetesVersion,
            resources: enabledResources(allResources(), this.#options),
            custom: () => this.#customResources?.openApiKinds() ?? noKinds,
          }),
        clock,
      ),
      health: this.#health,
      zpages: new ZPages(
        { component: 'apiserver', startedMs: clock.now(), flags: this.#options.flags ?? {}, paths: statuszPaths },
        { clock, random },
      ),
      metrics: this.metrics,
      tokenKeys,
      issuer,
      serverAddress: this.#serverAddress,
      apiPaths: () => apiPaths(this.registry),
    });
    return createChain({
      clock,
      random,
      authenticator,
      authorizer: this.#authorizer,
      flowControl: this.#flowControl,
      seatsOf: (context) => this.#seatsOf(context),
      metrics: this.metrics,
      audit: this.#dependencies.audit,
      requestTimeoutMs: this.#options.requestTimeoutMs ?? 60_000,
      aggregate: (context) => this.#aggregator.answer(context),
      answer: (context) => {
        if (context.info.isResourceRequest) return this.registry.handle(context);
        if (context.info.path === '/openapi/v3') return this.#openApiIndex(context, other);
        const dump = answerDump(this.#flowControl, context.info.path);
        return dump === undefined ? other(context) : Promise.resolve(dump);
      },
      onError: this.#onError,
    });
  }

  /** As upstream's: a seat for each hundred objects that a list reads, ten at most. */
  #seatsOf({ info }: RequestContext): number {
    if (info.verb !== 'list' || info.name !== '') return 1;
    const objects = this.registry.objectCount(info.apiGroup, info.apiVersion, info.resource);
    return Math.min(maxListSeats, Math.max(1, Math.ceil(objects / objectsPerSeat)));
  }

  #makeAggregation(loopback: Loopback): AggregationController {
    const { clock, random } = this.#dependencies;
    const aggregation = new AggregationController({
      aggregator: this.#aggregator,
      loopback,
      resources: () => this.registry.resources(),
      lookup: () => this.registry.lookup,
      outbound: this.#outbound,
      clock,
      random,
      onError: this.#onError,
    });
    this.registry.onResourcesChange(() => aggregation.resourcesChanged());
    return aggregation;
  }

  async #openApiIndex(context: RequestContext, own: ContextHandler): Promise<WireResponse> {
    const { clock, random } = this.#dependencies;
    const lookup = () => this.registry.lookup;
    return mergedIndex(context, await own(context), this.#aggregator.remotes(), {
      lookup,
      random,
      clock,
      outbound: this.#outbound,
    });
  }

  #addHandlers(
    authenticator: Authenticator,
    tokenKeys: TokenKeys | undefined,
    tokens: { readonly issuer: string; readonly audiences: readonly string[] },
  ): void {
    const { registry } = this;
    const { clock, random } = this.#dependencies;
    const { lookup } = registry;
    for (const [resource, handler] of Object.entries(accessReviewHandlers(this.#authorizer, this.#rbac)))
      registry.addVirtualResource('authorization.k8s.io', resource, handler);
    for (const [resource, handler] of Object.entries(authenticationReviewHandlers(authenticator)))
      registry.addVirtualResource('authentication.k8s.io', resource, handler);
    const etcd = { name: 'etcd-0', healthy: () => this.#serving };
    registry.addVirtualResource('', 'componentstatuses', componentStatusHandler([etcd]));
    if (tokenKeys !== undefined)
      registry.addSubresourceHandler(
        '',
        'serviceaccounts',
        'token',
        tokenRequestHandler(tokens, { keys: tokenKeys, clock, random, lookup }),
      );
    const kubelet = { kubeletPreferredAddressTypes: this.#options.kubeletPreferredAddressTypes ?? defaultAddressTypes };
    const streams = podStreamHandlers(kubelet, { lookup, clock, authorizer: this.#authorizer });
    for (const [subresource, handler] of Object.entries(streams))
      registry.addSubresourceHandler('', 'pods', subresource, handler);
    for (const [resource, handler] of Object.entries(forwardHandlers(kubelet, { lookup, random })))
      registry.addSubresourceHandler('', resource, 'proxy', handler);
  }
}

/** `30000-32767`. */
function parsePortRange(text: string): PortRange {
  const [first = Number.NaN, last = Number.NaN] = text.split('-').map(Number);
  if (!(first > 0 && first <= last && last < 65536))
    throw new Error(`reading serviceNodePortRange: ${text} is no range of ports like 30000-32767`);
  return { first, last };
}

function apiPaths(registry: Registry): string[] {
  const paths = new Set(['/api', '/apis']);
  for (const { group, version } of registry.resources())
    if (group === '') paths.add(`/api/${version}`);
    else paths.add(`/apis/${group}`).add(`/apis/${group}/${version}`);
  return [...paths];
}
