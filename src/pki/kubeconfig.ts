/** kubeconfig files (client-go tools/clientcmd/api/v1), with everything embedded. JSON is YAML: no library is needed. */
import type { KeyPair } from './certificate.ts';

export interface KubeconfigOptions {
  readonly server: string;
  readonly caPem: string;
  readonly clusterName?: string;
  readonly userName: string;
  readonly credentials: KeyPair | { readonly token: string };
}

/** The text of a kubeconfig with one cluster, one user and one current context `USER@CLUSTER`. */
export function kubeconfigText(options: KubeconfigOptions): string {
  const cluster = options.clusterName ?? 'kubernetes';
  const context = `${options.userName}@${cluster}`;
  const data = (pem: string) => Buffer.from(pem).toString('base64');
  const user =
    'token' in options.credentials
      ? [['token', options.credentials.token]]
      : [
          ['client-certificate-data', data(options.credentials.certPem)],
          ['client-key-data', data(options.credentials.keyPem)],
        ];
  return `${[
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    `- name: ${JSON.stringify(cluster)}`,
    '  cluster:',
    `    certificate-authority-data: ${data(options.caPem)}`,
    `    server: ${JSON.stringify(options.server)}`,
    'contexts:',
    `- name: ${JSON.stringify(context)}`,
    '  context:',
    `    cluster: ${JSON.stringify(cluster)}`,
    `    user: ${JSON.stringify(options.userName)}`,
    `current-context: ${JSON.stringify(context)}`,
    'preferences: {}',
    'users:',
    `- name: ${JSON.stringify(options.userName)}`,
    '  user:',
    ...user.map(([key, value]) => `    ${key}: ${JSON.stringify(value)}`),
  ].join('\n')}\n`;
}
