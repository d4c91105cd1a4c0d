import { expect, test } from 'vitest';
import { parseTokenFile } from './token-file.ts';

test('tokens lead to users with their groups', () => {
  const users = parseTokenFile('abc,joe,1,"devs,ops"\n\ndef,"a ""b""",2\n');
  expect(users.get('abc')).toEqual({ username: 'joe', uid: '1', groups: ['devs', 'ops'] });
  expect(users.get('def')).toEqual({ username: 'a "b"', uid: '2', groups: [] });
});

test.each([
  ['abc,joe', 'line 1 has 2 column(s)'],
  ['a,b,c\n,joe,1', 'line 2 has an empty token'],
])('%j is refused', (text, message) => expect(() => parseTokenFile(text)).toThrow(message));
