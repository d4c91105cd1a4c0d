/** A request's context, as the chain makes it: the costly parts are made on first use. */
import type { UserInfo, WireRequest } from '../../machinery/wire.ts';
import type { Flow } from '../flowcontrol/flow-control.ts';
import type { RequestContext, RequestInfo } from '../request-context.ts';
import { parseRequestInfo } from './request-info.ts';

export class ChainContext implements RequestContext {
  /** Replaced where a body is translated. */
  request: WireRequest;
  readonly info: RequestInfo;
  readonly warnings: string[] = [];
  auditAnnotations?: Record<string, string>;
  /** How priority and fairness has classified it. */
  flow: Flow | undefined;
  readonly receivedMs: number;
  user: UserInfo;
  /** Who acts as `user`; undefined where nobody does. */
  impersonator: UserInfo | undefined;
  readonly #rawQuery: string;
  #query: URLSearchParams | undefined;

  /** Throws a StatusError 400 for a URL that cannot be understood. */
  constructor(request: WireRequest, receivedMs: number, user: UserInfo) {
    this.request = request;
    this.receivedMs = receivedMs;
    this.user = user;
    const mark = request.url.indexOf('?');
    this.#rawQuery = mark < 0 ? '' : request.url.slice(mark + 1);
    this.info = parseRequestInfo(request.method, mark < 0 ? request.url : request.url.slice(0, mark), () => this.query);
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.#rawQuery);
    return this.#query;
  }

  get hasQuery(): boolean {
    return this.#rawQuery !== '';
  }
}
