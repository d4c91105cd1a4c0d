/**
 * A request and its answer, free of any socket: what the API server's handler chain takes and gives, what the HTTP
 * listener turns into bytes on a connection, and what the client's `direct` transport calls.
 */

/** Who asks, once authenticated (authentication.k8s.io/v1 UserInfo). */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface WireRequest {
  /** Upper case. */
  readonly method: string;
  /** Path and raw query as on the request line: `/api/v1/pods?limit=5`. */
  readonly url: string;
  /** Lower-case names; repeated headers are joined by ", ". */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The whole body (the listener bounds it); absent when there is none. */
  readonly body?: Uint8Array;
  /** The value of a body that came in another encoding: of the caller's own each time. Absent: parse `body`. */
  readBody?(): unknown;
  /** Aborted when the client has gone away: everything done for the request must end. */
  readonly signal: AbortSignal;
  /** Set by the direct transport: its composition root has authenticated this user. */
  readonly user?: UserInfo;
  /** What the connection proved: the subject of a verified client certificate (CN and O). */
  readonly peerCertificate?: {
    readonly commonName: string;
    readonly organizations: readonly string[];
    /** Tells the certificate from every other: `X509SHA256=...`. */
    readonly credentialId?: string;
  };
  /** The connection's certificate is one that the CA of front proxies has signed. */
  readonly frontProxy?: {
    readonly commonName: string;
    /** Each value of a header (lower-case name), which `headers` has joined. */
    valuesOf(header: string): readonly string[];
  };
  /** For audit and logs. */
  readonly remoteAddress?: string;
  /** True when the client asked for `Connection: Upgrade` or extended CONNECT. */
  readonly upgrade?: boolean;
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** One event of a watch, made once for all watchers of the same form. */
export interface WatchFrame {
  readonly type: WatchEventType;
  /** The event as it goes on the wire in the negotiated encoding, framing included (JSON: one line with its "\n"). */
  readonly bytes: Uint8Array;
  /** The decoded object: made on first use, shared by all who read it, never to be written to. */
  readonly object: unknown;
}

export type WireHeaders = Readonly<Record<string, string | readonly string[]>>;

export type WireResponse =
  | { readonly kind: 'bytes'; readonly status: number; readonly headers: WireHeaders; readonly body: Uint8Array }
  /** A large body, made as it is sent. Iteration stops early when the client goes away (`return` is called). */
  | {
      readonly kind: 'chunks';
      readonly status: number;
      readonly headers: WireHeaders;
      readonly chunks: AsyncIterable<Uint8Array>;
    }
  /**
   * A watch: the listener sends the headers at once, then every batch; iteration has ended cleanly when the watch is
   * over. The iterable holds back nothing: while the reader is slow its bounded buffer fills, and then it ends.
   */
  | {
      readonly kind: 'watch';
      readonly status: number;
      readonly headers: WireHeaders;
      readonly frames: AsyncIterable<readonly WatchFrame[]>;
    }
  /** exec, attach, port-forward, proxied requests: the listener connects the client to `target` and copies both ways. */
  | { readonly kind: 'proxy'; readonly target: ProxyTarget };

/** Where a proxied request goes. */
export interface ProxyTarget {
  /** `https://10.0.0.1:10250/exec/ns/pod/c?command=sh`; http or https. */
  readonly url: string;
  readonly method: string;
  /** Sent instead of the client's own (hop-by-hop and upgrade headers are copied by the listener). */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /**
   * `kubelet`: authenticate with the API server's kubelet client certificate and verify with its kubelet CA.
   * `frontProxy`: authenticate as the front proxy, and verify as the target says.
   */
  readonly trust: 'kubelet' | 'frontProxy' | 'none';
  /** Where to connect, in place of the URL's host. */
  readonly connectTo?: { readonly host: string; readonly port: number };
  /** The name that the certificate must be for, in place of the URL's host. */
  readonly serverName?: string;
  /** PEM that the certificate is verified against; with `frontProxy` only. Absent: what the platform trusts. */
  readonly caPem?: string;
  readonly insecureSkipTLSVerify?: boolean;
  readonly body?: Uint8Array;
  /** The target's root is seen below this path: links in its HTML and Location headers are made to lead there. */
  readonly pathPrefix?: string;
  /** The target answers with a stream and knows no upgrade: a client's WebSocket gets that as messages. */
  readonly streams?: boolean;
  /** What the client gets in place of an answer outside 200 to 206; `text` is the start of its body. Absent: as it is. */
  failure?(status: number, text: string): WireResponse;
}

/** The whole API server, or any part of its chain. */
export type Handler = (request: WireRequest) => Promise<WireResponse>;
