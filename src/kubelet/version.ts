/** The version of Kubernetes that this kubelet is: shown by `kubectl get nodes`. */
export const kubeletVersion = 'v1.36.4';
