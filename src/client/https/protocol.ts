import { TransportError, type TransportRequest, type TransportResponse } from '../client.ts';

/** One way to exchange requests: a protocol over connections of its own. */
export interface Protocol {
  /** Rejects with TransportError; with StaleConnectionError where a fresh connection may do better. */
  request(request: PreparedRequest): Promise<TransportResponse>;
  close(): void;
}

export interface PreparedRequest extends TransportRequest {
  readonly headers: Readonly<Record<string, string>>;
}

/** No answer came on a connection that had served before: it may have been closed while idle. */
export class StaleConnectionError extends TransportError {}
