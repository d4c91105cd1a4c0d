/** GET of one object. */
import { newNotFound } from '../../machinery/status/errors.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import type { RequestContext } from '../request-context.ts';
import type { Served } from '../registry/served.ts';
import type { CachedObject } from '../watchcache/cached-object.ts';
import { waitUntilFresh } from './fresh.ts';
import { includeObject } from './list.ts';
import { negotiate } from './negotiate.ts';
import { parseResourceVersion } from './options.ts';
import { objectResponse } from './respond.ts';

export async function handleGet(context: RequestContext, served: Served): Promise<WireResponse> {
  const negotiated = negotiate(context.request.headers['accept'], { resource: served.resource });
  const form = served.form(negotiated, includeObject(context.query));
  const object = await readObject(context, served);
  return objectResponse(200, object, form, negotiated.encoding);
}

/** The object of the path, as new as the query asks. Throws StatusError 404. */
export async function readObject(context: RequestContext, served: Served): Promise<CachedObject> {
  const { name, namespace } = context.info;
  await waitUntilFresh(served.services.hub, parseResourceVersion(context.query.get('resourceVersion')));
  const object = served.cache.get(served.cache.key(namespace, name));
  if (!object) throw newNotFound({ group: served.resource.group, resource: served.resource.plural }, name);
  if (served.convertsLater) await served.prepare([object]);
  return object;
}
