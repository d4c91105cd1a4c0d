/** What `skiff version` says and what the API server and nodes report. */
export const skiffVersion = '0.1.0';
/** The Kubernetes API and behaviour that are served. */
export const kubernetesVersion = 'v1.36.4';
