import { expect, it } from 'vitest';
import { mountsBelow } from './mounts.ts';

const line = (path: string) => `36 35 98:0 / ${path} rw,noatime shared:1 - tmpfs tmpfs rw`;
const mountinfo = ['/', '/data', '/data/pods/a', '/data/pods/a/inner', '/data2', '/data/with\\040space']
  .map(line)
  .join('\n');

it('mounts below a directory come innermost first, and only those', () => {
  expect(mountsBelow('/data', mountinfo)).toEqual(['/data/with space', '/data/pods/a/inner', '/data/pods/a']);
  expect(mountsBelow('/data/', mountinfo)).toHaveLength(3);
  expect(mountsBelow('/dat', mountinfo)).toEqual([]);
});
