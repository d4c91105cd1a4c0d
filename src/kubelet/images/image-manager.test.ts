import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import type { Image, ImageService } from '../runtime/runtime.ts';
import type { Pod } from '../types.ts';
import { pullCredentials } from './credentials.ts';
import { ImageManager, withDefaultTag } from './image-manager.ts';

const image: Image = {
  id: 'sha256:1',
  repoTags: [],
  repoDigests: [],
  size: 42,
  uid: null,
  username: '',
  pinned: false,
};
const pod: Pod = { metadata: { name: 'p', namespace: 'ns', uid: 'u' }, spec: { containers: [] } };

function setUp(present: readonly string[], pull: (name: string) => Promise<string>) {
  const clock = new FakeClock({ defer: setImmediate });
  const events: string[] = [];
  const have = new Set(present);
  const pulls: string[] = [];
  const images = {
    imageStatus: async (name: string) => (have.has(name) ? image : undefined),
    pullImage: async (name: string) => {
      pulls.push(name);
      const ref = await pull(name);
      have.add(ref);
      return ref;
    },
  } as Partial<ImageService> as ImageService;
  const manager = new ImageManager({
    images,
    clock,
    recorder: {
      pod: () => {},
      container: (_p, _c, type, reason, message) => events.push(`${type} ${reason} ${message}`),
    },
    credentials: async () => [],
  });
  const ensure = (name: string, imagePullPolicy?: string) =>
    manager.ensure(
      pod,
      { name: 'main', image: name, ...(imagePullPolicy && { imagePullPolicy }) },
      new AbortController().signal,
    );
  return { clock, events, pulls, ensure };
}

describe('images of containers', () => {
  it('that are there are not pulled', async () => {
    const { ensure, events, pulls } = setUp(['app:1'], async () => '');
    expect(await ensure('app:1')).toEqual({ kind: 'present', image });
    expect([events, pulls]).toEqual([
      ['Normal Pulled Container image "app:1" already present on machine and can be accessed by the pod'],
      [],
    ]);
  });

  it('are pulled when they are missing, and always when that is asked', async () => {
    const { ensure, events, pulls } = setUp([], async (name) => name);
    await ensure('app');
    await ensure('app', 'Always');
    expect(pulls).toEqual(['app:latest', 'app:latest']);
    expect(events.slice(0, 2)).toEqual([
      'Normal Pulling Pulling image "app"',
      expect.stringMatching(
        /^Normal Pulled Successfully pulled image "app" in \d+ms \(\d+ms including waiting\)\. Image size: 42 bytes\.$/,
      ),
    ]);
  });

  it('are never pulled where that is asked', async () => {
    const { ensure, pulls } = setUp([], async (name) => name);
    expect(await ensure('app:1', 'Never')).toEqual({
      kind: 'failed',
      failure: {
        reason: 'ErrImageNeverPull',
        message: 'Container image "app:1" is not present with pull policy of Never',
      },
    });
    expect(pulls).toEqual([]);
  });

  it('that cannot be had are tried again, later and later', async () => {
    const { ensure, events, pulls, clock } = setUp([], async () => {
      throw new Error('no such host');
    });
    const reason = async () => {
      const result = await ensure('app:1');
      return result.kind === 'failed' ? result.failure.reason : 'present';
    };
    expect(await reason()).toBe('ErrImagePull');
    expect(await reason()).toBe('ImagePullBackOff');
    await clock.advance(10_000);
    expect(await reason()).toBe('ErrImagePull');
    await clock.advance(19_999);
    expect(await reason()).toBe('ImagePullBackOff');
    await clock.advance(1);
    expect(await reason()).toBe('ErrImagePull');
    expect(pulls).toHaveLength(3);
    expect(events).toContain('Warning Failed Failed to pull image "app:1": no such host');
    expect(events).toContain('Normal BackOff Back-off pulling image "app:1"');
  });

  it('wanted twice at once are pulled once', async () => {
    let arrive = (_: string) => {};
    const { ensure, pulls } = setUp([], () => new Promise((resolve) => (arrive = resolve)));
    const both = [ensure('app:1'), ensure('app:1')];
    await new Promise((resolve) => setImmediate(resolve));
    arrive('app:1');
    expect((await Promise.all(both)).map(({ kind }) => kind)).toEqual(['present', 'present']);
    expect(pulls).toHaveLength(1);
  });

  it('with a name that is none are refused', async () => {
    const { ensure, events } = setUp([], async () => '');
    expect(await ensure('Not An Image')).toMatchObject({ failure: { reason: 'InvalidImageName' } });
    expect(events[0]).toMatch(/^Warning InspectFailed Failed to apply default image tag "Not An Image"/);
  });
});

it.each([
  ['busybox', 'busybox:latest'],
  ['busybox:1.36', 'busybox:1.36'],
  ['localhost:5000/a/b', 'localhost:5000/a/b:latest'],
  ['[::1]:5000/a', '[::1]:5000/a:latest'],
  [`a@sha256:${'0'.repeat(64)}`, `a@sha256:${'0'.repeat(64)}`],
  ['Upper', undefined],
  ['a:', undefined],
  ['', undefined],
])('%j with its tag is %j', (name, expected) => {
  expect(withDefaultTag(name)).toBe(expected);
});

describe('credentials of pull secrets', () => {
  const auths = {
    'https://index.docker.io/v1/': { auth: Buffer.from('hub:pw').toString('base64') },
    'registry.example:5000': { username: 'u', password: 'p' },
    'registry.example:5000/team': { username: 'team', password: 'p' },
    '*.wild.example': { username: 'w', password: 'p' },
  };
  const data = { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') };
  const objects = { secret: async () => ({ metadata: {}, data }) as never };
  const withSecret: Pod = { ...pod, spec: { containers: [], imagePullSecrets: [{ name: 's' }] } };

  it.each([
    ['busybox', ['hub']],
    ['registry.example:5000/x', ['u']],
    ['registry.example:5000/team/x', ['team', 'u']],
    ['a.wild.example/x', ['w']],
    ['a.b.wild.example/x', []],
    ['other.example/x', []],
  ])('for %s are those of %j', async (name, users) => {
    expect((await pullCredentials(objects, withSecret, name)).map(({ username }) => username)).toEqual(users);
  });
});
