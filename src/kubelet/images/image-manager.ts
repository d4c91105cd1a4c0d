import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { goQuote } from '../../machinery/go-quote.ts';
import type { AuthConfig, Image, ImageService } from '../runtime/runtime.ts';
import type { ContainerSpec, Pod } from '../types.ts';
import type { PodRecorder } from '../pods/recorder.ts';
import type { StartFailure } from '../pods/status/container-status.ts';

/** Upstream's delays between pulls that fail: 10 s, doubling to 300 s, for a pod and image. */
const initialBackoffMs = 10_000;
const maxBackoffMs = 300_000;

export interface ImageManagerDeps {
  readonly images: ImageService;
  readonly clock: Clock;
  readonly recorder: PodRecorder;
  /** Credentials to try for an image, from the pod's pull secrets; none: anonymous. */
  readonly credentials: (pod: Pod, image: string) => Promise<readonly AuthConfig[]>;
}

export type EnsuredImage =
  | { readonly kind: 'present'; readonly image: Image }
  | { readonly kind: 'failed'; readonly failure: StartFailure };

/** Brings the images of containers to the node, by pull policy. Pulls of one image at the same time are one. */
export class ImageManager {
  readonly #deps: ImageManagerDeps;
  readonly #backoff = new Map<string, { delayMs: number; sinceMs: number; why: string }>();
  readonly #pulls = new Map<string, Promise<string>>();

  constructor(deps: ImageManagerDeps) {
    this.#deps = deps;
  }

  /** Never rejects: what goes wrong is why the container waits. */
  async ensure(pod: Pod, container: ContainerSpec, signal: AbortSignal): Promise<EnsuredImage> {
    const { images, recorder, clock } = this.#deps;
    const quoted = goQuote(container.image ?? '');
    const name = withDefaultTag(container.image ?? '');
    if (name === undefined) {
      const message = `Failed to apply default image tag ${quoted}: couldn't parse image name ${quoted}: invalid reference format`;
      recorder.container(pod, container.name, 'Warning', 'InspectFailed', message);
      return failed('InvalidImageName', message);
    }
    const policy = container.imagePullPolicy ?? 'IfNotPresent';
    let present: Image | undefined;
    try {
      present = await images.imageStatus(name);
    } catch (error) {
      const message = `Failed to inspect image ${quoted}: ${messageOf(error)}`;
      recorder.container(pod, container.name, 'Warning', 'InspectFailed', message);
      return failed('ImageInspectError', message);
    }
    if (present && policy !== 'Always') {
      const message = `Container image ${quoted} already present on machine and can be accessed by the pod`;
      recorder.container(pod, container.name, 'Normal', 'Pulled', message);
      return { kind: 'present', image: present };
    }
    if (policy === 'Never') {
      const message = `Container image ${quoted} is not present with pull policy of Never`;
      recorder.container(pod, container.name, 'Warning', 'ErrImageNeverPull', message);
      return failed('ErrImageNeverPull', message);
    }
    const key = `${pod.metadata.uid}_${name}`;
    const waiting = this.#backoff.get(key);
    if (waiting && clock.now() < waiting.sinceMs + waiting.delayMs) {
      const message = `Back-off pulling image ${quoted}`;
      recorder.container(pod, container.name, 'Normal', 'BackOff', message);
      return failed('ImagePullBackOff', `${message}: ErrImagePull: ${waiting.why}`);
    }
    return this.#pull(pod, container, name, key, signal);
  }

  /** How long until a failed pull may be tried again; undefined when none waits. */
  backoffLeftMs(pod: Pod, container: ContainerSpec): number | undefined {
    const entry = this.#backoff.get(`${pod.metadata.uid}_${withDefaultTag(container.image ?? '')}`);
    return entry && Math.max(0, entry.sinceMs + entry.delayMs - this.#deps.clock.now());
  }

  /** The pod is gone. */
  forget(uid: string): void {
    for (const key of this.#backoff.keys()) if (key.startsWith(`${uid}_`)) this.#backoff.delete(key);
  }

  async #pull(
    pod: Pod,
    container: ContainerSpec,
    name: string,
    key: string,
    signal: AbortSignal,
  ): Promise<EnsuredImage> {
    const { clock, recorder, images } = this.#deps;
    const quoted = goQuote(container.image ?? '');
    recorder.container(pod, container.name, 'Normal', 'Pulling', `Pulling image ${quoted}`);
    const startMs = clock.monotonicMs();
    try {
      const ref = await this.#shared(pod, name, signal);
      const image = (await images.imageStatus(ref)) ?? (await images.imageStatus(name));
      if (!image) throw new Error(`the runtime pulled ${name} as ${ref} and does not have it`);
      this.#backoff.delete(key);
      const took = seconds(clock.monotonicMs() - startMs);
      const message = `Successfully pulled image ${quoted} in ${took} (${took} including waiting). Image size: ${image.size} bytes.`;
      recorder.container(pod, container.name, 'Normal', 'Pulled', message);
      return { kind: 'present', image };
    } catch (error) {
      if (signal.aborted) return failed('ErrImagePull', 'pull canceled');
      const why = messageOf(error);
      recorder.container(pod, container.name, 'Warning', 'Failed', `Failed to pull image ${quoted}: ${why}`);
      const before = this.#backoff.get(key);
      const expired = !before || clock.now() - before.sinceMs > 2 * maxBackoffMs;
      const delayMs = expired ? initialBackoffMs : Math.min(before.delayMs * 2, maxBackoffMs);
      this.#backoff.set(key, { delayMs, sinceMs: clock.now(), why });
      return failed('ErrImagePull', why);
    }
  }

  /** Everyone who wants an image waits for one pull; it goes on while anyone might, so it heeds no single signal. */
  async #shared(pod: Pod, name: string, signal: AbortSignal): Promise<string> {
    let pull = this.#pulls.get(name);
    if (!pull) {
      pull = this.#pullWithCredentials(pod, name).finally(() => this.#pulls.delete(name));
      this.#pulls.set(name, pull);
      pull.catch(() => {});
    }
    const aborted = new Promise<never>((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    return Promise.race([pull, aborted]);
  }

  async #pullWithCredentials(pod: Pod, name: string): Promise<string> {
    const credentials = await this.#deps.credentials(pod, name);
    if (credentials.length === 0) return this.#deps.images.pullImage(name);
    let last: unknown;
    for (const auth of credentials) {
      try {
        return await this.#deps.images.pullImage(name, auth);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }
}

function failed(reason: string, message: string): EnsuredImage {
  return { kind: 'failed', failure: { reason, message } };
}

/** As Go prints a duration: `1.234s`, `56ms`. */
function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(3)}s`;
}

/**
 * The reference with `:latest` where it has neither tag nor digest. Undefined when it is no reference (distribution's
 * grammar: optional host, lower-case path, tag, digest).
 */
export function withDefaultTag(image: string): string | undefined {
  const match =
    /^((?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(:[\w][\w.-]{0,127})?(@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$/.exec(
      image,
    );
  if (!match) return undefined;
  return match[2] || match[3] ? image : `${image}:latest`;
}
