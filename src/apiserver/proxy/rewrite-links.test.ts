import { expect, test } from 'vitest';
import { rewriteHtml, rewriteUrl } from './rewrite-links.ts';

const options = { prefix: '/api/v1/namespaces/n/pods/p/proxy', targetHost: '10.0.0.1:80' };

test.each([
  ['/x', '/api/v1/namespaces/n/pods/p/proxy/x'],
  ['/x/?a=b#c', '/api/v1/namespaces/n/pods/p/proxy/x/?a=b#c'],
  ['http://10.0.0.1:80/x', '/api/v1/namespaces/n/pods/p/proxy/x'],
  ['http://example.com/x', 'http://example.com/x'],
  ['x/y', 'x/y'],
  ['#top', '#top'],
  ['mailto:a@b', 'mailto:a@b'],
  ['/api/v1/namespaces/n/pods/p/proxy/x', '/api/v1/namespaces/n/pods/p/proxy/x'],
])('%s becomes %s', (url, expected) => {
  expect(rewriteUrl(url, options)).toBe(expected);
});

test('links of a page are rewritten, everything else is left as it is', () => {
  const page = `<!DOCTYPE html><body><A class=b HREF="/rewriteme">/test</A><img src='/i.png'><p title="/no">a < b</p></body>`;
  expect(rewriteHtml(page, options)).toBe(
    `<!DOCTYPE html><body><A class=b HREF="${options.prefix}/rewriteme">/test</A><img src='${options.prefix}/i.png'><p title="/no">a < b</p></body>`,
  );
});
