/**
 * The keys and certificates of a cluster, laid out as kubeadm lays them out. Only what is missing (or no longer fits:
 * expired, signed by another CA, an address not covered) is made; a CA is never replaced.
 */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { CertificateAuthority, type CertificateRequest, generateKey, type KeyPair, keyToPem } from './certificate.ts';
import { type KubeconfigOptions, kubeconfigText } from './kubeconfig.ts';
import type { PkiFiles } from './pki-files.ts';

export interface ClusterPkiOptions {
  /** Wall time, ms: certificates are valid from a minute before it (clocks differ). */
  readonly nowMs: number;
  /** Names and addresses of the API server, besides those of the `kubernetes` Service and localhost. */
  readonly sans?: readonly string[];
  readonly clusterDomain?: string;
}

/** Who talks to the API server, with the subjects that upstream's RBAC and Node authorizer expect. */
export type ClientIdentity =
  | 'admin'
  | 'super-admin'
  | 'controller-manager'
  | 'scheduler'
  | { readonly node: string }
  | { readonly commonName: string; readonly organizations?: readonly string[] };

/** kubeadm's: ten years for CAs, one for the rest. */
const caLifeMs = 10 * 365 * 86_400_000;
const leafLifeMs = 365 * 86_400_000;
/** A leaf this close to its end is made anew at start. */
const renewBeforeMs = 30 * 86_400_000;
const clockSkewMs = 60_000;

const subjects = {
  admin: { commonName: 'kubernetes-admin', organizations: ['kubeadm:cluster-admins'] },
  'super-admin': { commonName: 'kubernetes-super-admin', organizations: ['system:masters'] },
  'controller-manager': { commonName: 'system:kube-controller-manager', organizations: [] },
  scheduler: { commonName: 'system:kube-scheduler', organizations: [] },
} as const;

/** Everything is made on first use, so a cluster that never speaks TLS pays nothing. */
export class ClusterPki {
  readonly #files: PkiFiles;
  readonly #options: ClusterPkiOptions;
  readonly #authorities = new Map<string, CertificateAuthority>();
  readonly #pairs = new Map<string, KeyPair>();
  #serviceAccountKey: { privatePem: string; publicPem: string } | undefined;

  constructor(files: PkiFiles, options: ClusterPkiOptions) {
    this.#files = files;
    this.#options = options;
  }

  /** Signs everything but the front proxy's certificates; clients are verified against it. */
  get ca(): CertificateAuthority {
    return this.#authority('ca', 'kubernetes');
  }

  get frontProxyCa(): CertificateAuthority {
    return this.#authority('front-proxy-ca', 'front-proxy-ca');
  }

  /** What the API server serves with. */
  get apiserver(): KeyPair {
    const domain = this.#options.clusterDomain ?? 'cluster.local';
    const sans = [
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      `kubernetes.default.svc.${domain}`,
      'localhost',
      '127.0.0.1',
      '::1',
      ...(this.#options.sans ?? []),
    ];
    return this.#leaf('apiserver', this.ca, {
      commonName: 'kube-apiserver',
      sans: [...new Set(sans)],
      usages: ['serverAuth'],
    });
  }

  /** What the API server shows to kubelets. */
  get apiserverKubeletClient(): KeyPair {
    return this.#leaf('apiserver-kubelet-client', this.ca, {
      commonName: 'kube-apiserver-kubelet-client',
      organizations: ['kubeadm:cluster-admins'],
      usages: ['clientAuth'],
    });
  }

  /** What the API server shows to aggregated servers. */
  get frontProxyClient(): KeyPair {
    return this.#leaf('front-proxy-client', this.frontProxyCa, {
      commonName: 'front-proxy-client',
      usages: ['clientAuth'],
    });
  }

  /** The key that signs ServiceAccount tokens (P-256, so ES256). */
  get serviceAccountKey(): { readonly privatePem: string; readonly publicPem: string } {
    if (this.#serviceAccountKey === undefined) {
      let privatePem = this.#files.read('sa.key');
      const publicOf = (pem: string) => keyToPem(createPublicKey(createPrivateKey(pem)));
      if (privatePem === undefined) {
        privatePem = keyToPem(generateKey());
        this.#files.write('sa.key', privatePem, 'secret');
        this.#files.write('sa.pub', publicOf(privatePem), 'public');
      }
      this.#serviceAccountKey = { privatePem, publicPem: publicOf(privatePem) };
    }
    return this.#serviceAccountKey;
  }

  /** A client certificate signed by the cluster's CA. */
  client(identity: ClientIdentity): KeyPair {
    if (typeof identity === 'string')
      return this.#leaf(identity, this.ca, { ...subjects[identity], usages: ['clientAuth'] });
    if ('node' in identity)
      return this.#leaf(`kubelet-client-${identity.node}`, this.ca, {
        commonName: `system:node:${identity.node}`,
        organizations: ['system:nodes'],
        usages: ['clientAuth'],
      });
    return this.ca.issue({ ...identity, usages: ['clientAuth'], ...this.#validity() });
  }

  /** What the kubelet of a node serves with. */
  kubeletServing(node: string, sans: readonly string[]): KeyPair {
    return this.#leaf(`kubelet-${node}`, this.ca, {
      commonName: `system:node:${node}`,
      organizations: ['system:nodes'],
      sans: [...new Set([node, ...sans])],
      usages: ['serverAuth'],
    });
  }

  /** A kubeconfig for a client, as text. `server`: `https://127.0.0.1:6443`. */
  kubeconfig(identity: ClientIdentity, server: string): string {
    const options: KubeconfigOptions = {
      server,
      caPem: this.ca.certPem,
      userName: userNameOf(identity),
      credentials: this.client(identity),
    };
    return kubeconfigText(options);
  }

  /** Makes everything that the control plane needs now. */
  ensureAll(): void {
    void this.apiserver;
    void this.apiserverKubeletClient;
    void this.frontProxyClient;
    void this.serviceAccountKey;
    for (const identity of ['admin', 'super-admin', 'controller-manager', 'scheduler'] as const) this.client(identity);
  }

  #validity() {
    const notBeforeMs = this.#options.nowMs - clockSkewMs;
    return { notBeforeMs, notAfterMs: notBeforeMs + leafLifeMs };
  }

  #authority(name: string, commonName: string): CertificateAuthority {
    let authority = this.#authorities.get(name);
    if (authority === undefined) {
      const certPem = this.#files.read(`${name}.crt`);
      const keyPem = this.#files.read(`${name}.key`);
      if (certPem !== undefined && keyPem !== undefined) authority = new CertificateAuthority({ certPem, keyPem });
      else if (certPem !== undefined)
        throw new Error(`making certificates: ${this.#files.where(`${name}.key`)} is missing beside its ${name}.crt`);
      else {
        const notBeforeMs = this.#options.nowMs - clockSkewMs;
        authority = CertificateAuthority.create(commonName, notBeforeMs, notBeforeMs + caLifeMs);
        this.#writePair(name, authority.pair);
      }
      this.#authorities.set(name, authority);
    }
    return authority;
  }

  #leaf(
    name: string,
    authority: CertificateAuthority,
    request: Omit<CertificateRequest, 'notBeforeMs' | 'notAfterMs'>,
  ): KeyPair {
    let pair = this.#pairs.get(name);
    if (pair === undefined) {
      pair = this.#readPair(name);
      if (pair === undefined || !this.#fits(pair, authority, request.sans ?? [])) {
        pair = authority.issue({ ...request, ...this.#validity() });
        this.#writePair(name, pair);
      }
      this.#pairs.set(name, pair);
    }
    return pair;
  }

  #fits(pair: KeyPair, authority: CertificateAuthority, sans: readonly string[]): boolean {
    const certificate = new X509Certificate(pair.certPem);
    return (
      Date.parse(certificate.validTo) - renewBeforeMs > this.#options.nowMs &&
      certificate.verify(createPublicKey(authority.certPem)) &&
      sans.every((san) => (isIP(san) ? certificate.checkIP(san) : certificate.checkHost(san)) !== undefined)
    );
  }

  #readPair(name: string): KeyPair | undefined {
    const certPem = this.#files.read(`${name}.crt`);
    const keyPem = this.#files.read(`${name}.key`);
    return certPem === undefined || keyPem === undefined ? undefined : { certPem, keyPem };
  }

  /** Key first: a start that was killed in between finds no certificate and makes both again. */
  #writePair(name: string, pair: KeyPair): void {
    this.#files.write(`${name}.key`, pair.keyPem, 'secret');
    this.#files.write(`${name}.crt`, pair.certPem, 'public');
  }
}

function userNameOf(identity: ClientIdentity): string {
  if (typeof identity === 'string') return subjects[identity].commonName;
  return 'node' in identity ? `system:node:${identity.node}` : identity.commonName;
}
