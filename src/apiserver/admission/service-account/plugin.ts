/**
 * Every pod runs as a ServiceAccount: names the default one, mounts its token where the account and the pod allow it, and
 * passes on its pull secrets.
 */
import type { Container, Pod, PodSpec, ServiceAccount, Volume } from '../../../apis/generated/types/core/v1.ts';
import type { Clock } from '../../../base/clock.ts';
import { type Random, randomNameSuffix } from '../../../base/random.ts';
import type { Lookup } from '../../registry/registry.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import { isCore, refuse } from '../refuse.ts';

/** What client libraries look for. */
export const tokenMountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const volumePrefix = 'kube-api-access-';
/** An hour, and seven seconds by which such tokens are known from others (upstream extends those). */
const tokenExpirationSeconds = 3607;
/** A new namespace gets its default account a moment later: how long a pod waits for it (upstream looks ten times). */
const defaultAccountWaitMs = 1500;
const mirrorAnnotation = 'kubernetes.io/config.mirror';

export class ServiceAccountAdmission implements AdmissionPlugin {
  readonly name = 'ServiceAccount';
  readonly #lookup: () => Lookup;
  readonly #random: Random;
  readonly #clock: Clock;

  constructor(lookup: () => Lookup, random: Random, clock: Clock) {
    this.#lookup = lookup;
    this.#random = random;
    this.#clock = clock;
  }

  handles(operation: Attributes['operation']): boolean {
    return operation === 'CREATE';
  }

  async admit(attributes: Attributes): Promise<void> {
    if (!isCore(attributes, 'pods')) return;
    const pod = attributes.object as Pod;
    const spec = pod.spec!;
    if (pod.metadata.annotations?.[mirrorAnnotation] !== undefined) {
      validateMirrorPod(attributes, spec);
      return;
    }
    if (!spec.serviceAccountName) spec.serviceAccountName = spec.serviceAccount || 'default';
    spec.serviceAccount = spec.serviceAccountName;
    if (spec.serviceAccountName === 'default' && this.#find(attributes, 'default') === undefined)
      await this.#defaultAccount(attributes);
    const account = this.#account(attributes, spec.serviceAccountName);
    if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) this.#mountToken(spec);
    if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length)
      spec.imagePullSecrets = account.imagePullSecrets.map((reference) => ({ ...reference }));
  }

  validate(attributes: Attributes): void {
    if (!isCore(attributes, 'pods')) return;
    const pod = attributes.object as Pod;
    if (pod.metadata.annotations?.[mirrorAnnotation] !== undefined) validateMirrorPod(attributes, pod.spec!);
    else this.#account(attributes, pod.spec?.serviceAccountName ?? '');
  }

  #find(attributes: Attributes, name: string): ServiceAccount | undefined {
    return this.#lookup().get<ServiceAccount>('', 'serviceaccounts', attributes.namespace, name);
  }

  /** Resolves when the namespace has a default account, the time is up, or the client has gone. */
  #defaultAccount(attributes: Attributes): Promise<void> {
    const { signal } = attributes.context.request;
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        unsubscribe();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.#clock.after(defaultAccountWaitMs, done, 'admission of a pod: default ServiceAccount');
      const unsubscribe = this.#lookup().subscribe<ServiceAccount>('', 'serviceaccounts', (account) => {
        if (account?.metadata.name === 'default' && account.metadata.namespace === attributes.namespace) done();
      });
      signal.addEventListener('abort', done);
    });
  }

  #account(attributes: Attributes, name: string): ServiceAccount {
    const found = this.#find(attributes, name);
    if (found === undefined)
      throw refuse(
        attributes,
        `error looking up service account ${attributes.namespace}/${name}: serviceaccount "${name}" not found`,
      );
    return found;
  }

  #mountToken(spec: PodSpec): void {
    const existing = spec.volumes?.find((v) => v.name.startsWith(volumePrefix) && v.projected !== undefined);
    const name = existing?.name ?? `${volumePrefix}${randomNameSuffix(this.#random)}`;
    let needed = false;
    for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
      if (mountsToken(container)) continue;
      container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: tokenMountPath }];
      needed = true;
    }
    if (needed && existing === undefined) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
  }
}

/** Whoever mounts something there has a reason. */
const mountsToken = (container: Container) =>
  container.volumeMounts?.some((mount) => mount.mountPath === tokenMountPath) ?? false;

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenExpirationSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
      defaultMode: 0o644,
    },
  };
}

/** A static pod's image in the API: its kubelet made it, and it may use nothing that the API server hands out. */
function validateMirrorPod(attributes: Attributes, spec: PodSpec): void {
  if (spec.serviceAccountName) throw refuse(attributes, 'a mirror pod may not reference service accounts');
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  if (containers.some((c) => c.env?.some((e) => e.valueFrom?.secretKeyRef) || c.envFrom?.some((e) => e.secretRef)))
    throw refuse(attributes, 'a mirror pod may not reference secrets');
  for (const volume of spec.volumes ?? []) {
    if (volume.secret) throw refuse(attributes, 'a mirror pod may not reference secrets');
    if (volume.projected?.sources?.some((s) => s.serviceAccountToken))
      throw refuse(attributes, 'a mirror pod may not use ServiceAccountToken volume projections');
  }
}
