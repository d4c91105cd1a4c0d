/** The cluster's door to the outside, opened only when somebody asks for it. */
import { Listener } from '../apiserver/http/listener.ts';
import type { Handler } from '../machinery/wire.ts';
import type { ClusterPki } from '../pki/cluster-pki.ts';
import { kubeconfigText } from '../pki/kubeconfig.ts';

export class HttpsDoor {
  readonly #handler: Handler;
  readonly #pki: ClusterPki;
  #opening: Promise<Listener> | undefined;

  constructor(handler: Handler, pki: ClusterPki) {
    this.#handler = handler;
    this.#pki = pki;
  }

  /** A kubeconfig for an administrator; the first call binds a free port of the loopback address. */
  async kubeconfig(): Promise<string> {
    this.#opening ??= this.#open();
    const listener = await this.#opening;
    return kubeconfigText({
      server: `https://127.0.0.1:${listener.port}`,
      caPem: this.#pki.ca.certPem,
      userName: 'kubernetes-super-admin',
      credentials: this.#pki.client('super-admin'),
    });
  }

  async close(): Promise<void> {
    await (await this.#opening)?.stop();
  }

  async #open(): Promise<Listener> {
    const listener = new Listener(
      {
        bindAddresses: ['127.0.0.1'],
        port: 0,
        certPem: this.#pki.apiserver.certPem,
        keyPem: this.#pki.apiserver.keyPem,
        clientCaPem: this.#pki.ca.certPem,
      },
      this.#handler,
    );
    await listener.start();
    return listener;
  }
}
