/** `skiff kube-apiserver`: the API server alone, on a store of its own. */
import { hostname } from 'node:os';
import { Option, type Command } from 'commander';
import { realClock } from '../../base/node/real-clock.ts';
import { JwtKeys } from '../../pki/jwt-keys.ts';
import type { Store } from '../../store/store.ts';
import { startControlPlane } from '../control-plane.ts';
import { UsageError } from '../usage-error.ts';
import { boolean, count, flagTexts, list, pairs, port, readFlagFile, required, runComponent } from './component.ts';

interface Flags {
  readonly dataDir?: string;
  readonly store: 'lmdb' | 'memory';
  readonly etcdServers?: string;
  readonly bindAddress: string;
  readonly securePort: number;
  readonly advertiseAddress?: string;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly clientCaFile?: string;
  readonly requestheaderClientCaFile?: string;
  readonly requestheaderAllowedNames: string[];
  readonly requestheaderUsernameHeaders: string[];
  readonly requestheaderUidHeaders: string[];
  readonly requestheaderGroupHeaders: string[];
  readonly requestheaderExtraHeadersPrefix: string[];
  readonly proxyClientCertFile?: string;
  readonly proxyClientKeyFile?: string;
  readonly serviceAccountIssuer?: string;
  readonly serviceAccountSigningKeyFile?: string;
  readonly serviceAccountKeyFile?: string;
  readonly apiAudiences?: string[];
  readonly serviceClusterIpRange?: string;
  readonly serviceNodePortRange?: string;
  readonly authorizationMode: string[];
  readonly anonymousAuth: boolean;
  readonly tokenAuthFile?: string;
  readonly kubeletClientCertificate?: string;
  readonly kubeletClientKey?: string;
  readonly kubeletCertificateAuthority?: string;
  readonly enableAdmissionPlugins?: string[];
  readonly disableAdmissionPlugins?: string[];
  readonly runtimeConfig?: Readonly<Record<string, string>>;
  readonly featureGates?: Readonly<Record<string, string>>;
  readonly maxRequestsInflight?: number;
  readonly maxMutatingRequestsInflight?: number;
  readonly v: number;
}

export function addKubeApiserver(command: Command): Command {
  return command
    .description('the API server alone')
    .addOption(new Option('--store <name>', 'where objects are kept').choices(['lmdb', 'memory']).default('lmdb'))
    .option('--data-dir <dir>', 'with --store lmdb: the directory of the database')
    .option('--etcd-servers <urls>', 'not supported yet: use --store')
    .option('--bind-address <ip>', 'where to listen', '0.0.0.0')
    .option('--secure-port <port>', 'the HTTPS port; 0: any free one', port, 6443)
    .option('--advertise-address <ip>', 'where the kubernetes Service leads to (default: the bind address)')
    .option('--tls-cert-file <file>', 'PEM, the serving certificate')
    .option('--tls-private-key-file <file>', 'PEM, its key')
    .option('--client-ca-file <file>', "PEM; clients' certificates are verified against it")
    .option('--requestheader-client-ca-file <file>', 'PEM; front proxies may name users in headers')
    .option('--requestheader-allowed-names <list>', 'common names of front proxies; none: any', list, [])
    .option('--requestheader-username-headers <list>', 'where they name the user', list, [])
    .option('--requestheader-uid-headers <list>', 'its uid', list, [])
    .option('--requestheader-group-headers <list>', 'its groups', list, [])
    .option('--requestheader-extra-headers-prefix <list>', 'and what else is known of it', list, [])
    .option('--proxy-client-cert-file <file>', 'PEM, shown to aggregated API servers')
    .option('--proxy-client-key-file <file>', 'PEM, its key')
    .option('--service-account-issuer <url>', 'who issues ServiceAccount tokens')
    .option('--service-account-signing-key-file <file>', 'PEM, signs ServiceAccount tokens')
    .option('--service-account-key-file <file>', 'PEM, further keys whose tokens are good')
    .option('--api-audiences <list>', 'audiences of tokens', list)
    .option('--service-cluster-ip-range <cidr>', 'addresses of Services')
    .option('--service-node-port-range <range>', 'node ports: FROM-TO')
    .option('--authorization-mode <list>', 'Node, RBAC, AlwaysAllow', list, ['Node', 'RBAC'])
    .option('--anonymous-auth [bool]', 'requests without credentials are system:anonymous', boolean, true)
    .option('--token-auth-file <file>', 'lines of token,user,uid,"group1,group2"')
    .option('--kubelet-client-certificate <file>', 'PEM, shown to kubelets')
    .option('--kubelet-client-key <file>', 'PEM, its key')
    .option('--kubelet-certificate-authority <file>', "PEM; kubelets' certificates are verified against it")
    .option('--enable-admission-plugins <list>', 'besides those on by default', list)
    .option('--disable-admission-plugins <list>', 'of those on by default', list)
    .option('--runtime-config <list>', 'APIs to serve or not: api/all=true, GROUP/VERSION=false', pairs)
    .option('--feature-gates <list>', 'features to turn on or off: NAME=true', pairs)
    .option('--max-requests-inflight <n>', 'reads at once', count)
    .option('--max-mutating-requests-inflight <n>', 'writes at once', count)
    .option('-v, --v <n>', 'how much to say', count, 0)
    .action((flags: Flags) => start(flags, flagTexts(command)));
}

const modes = ['Node', 'RBAC', 'AlwaysAllow'] as const;

async function start(flags: Flags, flagz: Readonly<Record<string, string>>): Promise<void> {
  if (flags.etcdServers !== undefined)
    throw new UsageError(
      `--etcd-servers ${flags.etcdServers}: not supported yet; use --store lmdb --data-dir DIR, or --store memory`,
    );
  const certFile = required(flags.tlsCertFile, '--tls-cert-file', 'the serving certificate (PEM)');
  const keyFile = required(flags.tlsPrivateKeyFile, '--tls-private-key-file', "the serving certificate's key (PEM)");
  const signing = required(
    flags.serviceAccountSigningKeyFile,
    '--service-account-signing-key-file',
    'signs tokens (PEM)',
  );
  for (const mode of flags.authorizationMode)
    if (!modes.includes(mode as never))
      throw new UsageError(`--authorization-mode ${mode}: want some of ${modes.join(', ')}`);
  const file = (flag: string, path: string | undefined) => (path === undefined ? undefined : readFlagFile(flag, path));
  const certPem = readFlagFile('--tls-cert-file', certFile);
  const keyPem = readFlagFile('--tls-private-key-file', keyFile);
  const signingPem = readFlagFile('--service-account-signing-key-file', signing);
  const verifyingPem = file('--service-account-key-file', flags.serviceAccountKeyFile);
  const clientCaPem = file('--client-ca-file', flags.clientCaFile);
  const requestheaderPem = file('--requestheader-client-ca-file', flags.requestheaderClientCaFile);
  const tokens = file('--token-auth-file', flags.tokenAuthFile);
  const kubelet = kubeletCredentials(flags);
  const frontProxy = frontProxyCredentials(flags);
  checkRequestHeaders(flags);

  await runComponent('kube-apiserver', flags.v, async ({ stages, log }) => {
    const store = await stages.run(
      'store',
      () => openStore(flags),
      (opened) => opened.close(),
    );
    const { port: bound } = await startControlPlane(
      {
        store,
        listener: {
          bindAddresses: [flags.bindAddress],
          port: flags.securePort,
          certPem,
          keyPem,
          ...(clientCaPem === undefined ? {} : { clientCaPem }),
          ...(requestheaderPem === undefined ? {} : { requestheaderClientCaPem: requestheaderPem }),
          ...(kubelet === undefined ? {} : { kubelet }),
        },
        server: {
          advertiseAddress:
            flags.advertiseAddress ?? (flags.bindAddress === '0.0.0.0' ? '127.0.0.1' : flags.bindAddress),
          hostname: hostname(),
          flags: flagz,
          requestHeaders: flags,
          authorizationMode: flags.authorizationMode as (typeof modes)[number][],
          anonymousAuth: flags.anonymousAuth,
          ...(flags.serviceClusterIpRange ? { serviceClusterIPRange: flags.serviceClusterIpRange } : {}),
          ...(flags.serviceNodePortRange ? { serviceNodePortRange: flags.serviceNodePortRange } : {}),
          ...(flags.serviceAccountIssuer ? { serviceAccountIssuer: flags.serviceAccountIssuer } : {}),
          ...(flags.apiAudiences ? { apiAudiences: flags.apiAudiences } : {}),
          ...(tokens === undefined ? {} : { tokenAuthFile: tokens }),
          ...(clientCaPem === undefined ? {} : { clientCAFile: clientCaPem }),
          ...(requestheaderPem === undefined ? {} : { requestheaderClientCAFile: requestheaderPem }),
          ...(flags.enableAdmissionPlugins ? { enableAdmissionPlugins: flags.enableAdmissionPlugins } : {}),
          ...(flags.disableAdmissionPlugins ? { disableAdmissionPlugins: flags.disableAdmissionPlugins } : {}),
          ...(flags.runtimeConfig ? { runtimeConfig: flags.runtimeConfig } : {}),
          ...(flags.featureGates ? { featureGates: gatesOf(flags.featureGates) } : {}),
          ...(flags.maxRequestsInflight ? { maxRequestsInflight: flags.maxRequestsInflight } : {}),
          ...(flags.maxMutatingRequestsInflight
            ? { maxMutatingRequestsInflight: flags.maxMutatingRequestsInflight }
            : {}),
        },
        ...(frontProxy === undefined ? {} : { frontProxy }),
        tokenKeys: new JwtKeys({
          privateKey: () => signingPem,
          ...(verifyingPem === undefined ? {} : { additionalKeys: () => [verifyingPem] }),
        }),
      },
      stages,
      log,
    );
    log.step(`serving on ${flags.bindAddress}:${bound}`);
  });
}

function gatesOf(texts: Readonly<Record<string, string>>): Record<string, boolean> {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => {
      if (text !== 'true' && text !== 'false')
        throw new UsageError(`--feature-gates ${name}=${text}: want true or false`);
      return [name, text === 'true'];
    }),
  );
}

async function openStore(flags: Flags): Promise<Store> {
  if (flags.store === 'memory') {
    const { createMemoryStore } = await import('../../store/memory/memory-store.ts');
    return createMemoryStore({ clock: realClock });
  }
  const dir = required(flags.dataDir, '--data-dir', 'the directory of the database (or use --store memory)');
  const { openLmdbStore } = await import('../../store/lmdb/lmdb-store.ts');
  return openLmdbStore({ dir, clock: realClock });
}

/** What is shown to aggregated API servers. */
function frontProxyCredentials(flags: Flags) {
  if (!flags.proxyClientCertFile) return undefined;
  const keyFile = required(flags.proxyClientKeyFile, '--proxy-client-key-file', 'goes with --proxy-client-cert-file');
  return {
    certPem: readFlagFile('--proxy-client-cert-file', flags.proxyClientCertFile),
    keyPem: readFlagFile('--proxy-client-key-file', keyFile),
  };
}

function checkRequestHeaders(flags: Flags): void {
  const lists = {
    '--requestheader-allowed-names': flags.requestheaderAllowedNames,
    '--requestheader-username-headers': flags.requestheaderUsernameHeaders,
    '--requestheader-uid-headers': flags.requestheaderUidHeaders,
    '--requestheader-group-headers': flags.requestheaderGroupHeaders,
    '--requestheader-extra-headers-prefix': flags.requestheaderExtraHeadersPrefix,
  };
  for (const [flag, values] of Object.entries(lists))
    if (values.some((value) => value.trim() === ''))
      throw new UsageError(`${flag}: empty value in ${values.join(',')}`);
  const uids = flags.requestheaderUidHeaders;
  if (uids.length > 0 && !uids.some((header) => header.toLowerCase() === 'x-remote-uid'))
    throw new UsageError(`--requestheader-uid-headers ${uids.join(',')}: want X-Remote-Uid among them`);
}

function kubeletCredentials(flags: Flags) {
  if (!flags.kubeletClientCertificate) return undefined;
  const keyFile = required(flags.kubeletClientKey, '--kubelet-client-key', 'goes with --kubelet-client-certificate');
  const caFile = required(
    flags.kubeletCertificateAuthority,
    '--kubelet-certificate-authority',
    'goes with --kubelet-client-certificate',
  );
  return {
    certPem: readFlagFile('--kubelet-client-certificate', flags.kubeletClientCertificate),
    keyPem: readFlagFile('--kubelet-client-key', keyFile),
    caPem: readFlagFile('--kubelet-certificate-authority', caFile),
  };
}
