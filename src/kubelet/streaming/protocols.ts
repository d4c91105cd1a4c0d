/** The sub-protocols of remote commands and port forwards (apimachinery util/remotecommand, kubelet cri/streaming). */

/** Channels of a remote command over WebSocket: the first byte of each message. */
export const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

export interface CommandProtocol {
  readonly name: string;
  /** Payloads are base64 text instead of bytes. */
  readonly base64: boolean;
  /** The error channel carries a Status (v4 and later); before, nothing is sent for success. */
  readonly status: boolean;
  /** The client may close its stdin alone (v5). */
  readonly closesStdin: boolean;
}

const protocol = (name: string, base64: boolean, status: boolean, closesStdin: boolean): CommandProtocol => ({
  name,
  base64,
  status,
  closesStdin,
});

/** What a WebSocket client may ask for. */
export const commandProtocols: readonly CommandProtocol[] = [
  protocol('v5.channel.k8s.io', false, true, true),
  protocol('v4.channel.k8s.io', false, true, false),
  protocol('v4.base64.channel.k8s.io', true, true, false),
  protocol('channel.k8s.io', false, false, false),
  protocol('base64.channel.k8s.io', true, false, false),
];

/** A client that names none gets the first version. */
export const defaultCommandProtocol: CommandProtocol = protocol('', false, false, false);

/** A whole SPDY connection inside the messages of a WebSocket. */
export const tunneledPortForward = 'SPDY/3.1+portforward.k8s.io';

/** What the runtime is offered for a remote command, best first; containerd before 2 knows no v5. */
export const runtimeCommandProtocols = [
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
];
export const portForwardProtocol = 'portforward.k8s.io';

/** The client's offers, in its order. */
export const offeredProtocols = (header: string | undefined): string[] =>
  (header ?? '').split(',').flatMap((name) => name.trim() || []);

/** The first offer that is known; undefined when there were offers and none is. */
export function chooseCommandProtocol(offers: readonly string[]): CommandProtocol | undefined {
  if (offers.length === 0) return defaultCommandProtocol;
  for (const offer of offers) {
    const known = commandProtocols.find((p) => p.name === offer);
    if (known) return known;
  }
  return undefined;
}
