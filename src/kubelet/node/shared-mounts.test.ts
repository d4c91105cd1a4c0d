import { expect, test } from 'vitest';
import { isShared } from './shared-mounts.ts';

const line = (point: string, optional = '') =>
  `36 35 98:0 / ${point} rw,noatime ${optional}${optional && ' '}- ext4 /dev/root rw`;

test.each<[what: string, path: string, mounts: string[], want: boolean]>([
  ['a private root', '/data/pods', [line('/')], false],
  ['a shared root', '/data/pods', [line('/', 'shared:1')], true],
  ['a private mount in a shared root', '/data/pods', [line('/', 'shared:1'), line('/data')], false],
  ['a shared mount in a private root', '/data/pods', [line('/'), line('/data/pods', 'shared:7 master:1')], true],
  ['a mount beside it', '/data/pods', [line('/'), line('/data/po', 'shared:7')], false],
  ['one mount on another', '/data', [line('/data'), line('/data', 'shared:7')], true],
  ['a slave', '/data', [line('/', 'master:3')], false],
])('%s', (_what, path, mounts, want) => {
  expect(isShared(path, mounts.join('\n'))).toBe(want);
});
