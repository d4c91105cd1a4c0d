/**
 * Pages of a proxied server link to its own root; seen through us they must lead below the proxy's path (upstream:
 * apimachinery util/proxy Transport).
 */

/** Attributes that hold URLs, by element. */
const urlAttributes: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['formaction', 'src', 'usemap'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
};

export interface RewriteOptions {
  /** `/api/v1/namespaces/n/pods/p/proxy`. */
  readonly prefix: string;
  /** `10.0.0.1:80`: links that name the target itself are its own. */
  readonly targetHost: string;
}

/** A URL as it must be seen through the proxy; relative ones, and those of other hosts, stay. */
export function rewriteUrl(url: string, { prefix, targetHost }: RewriteOptions): string {
  const [, , authority, path = '', rest = ''] =
    /^([a-z][a-z0-9+.-]*:)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/is.exec(url) ?? [];
  if (authority !== undefined && authority !== targetHost) return url;
  if (!path.startsWith('/') || path === prefix || path.startsWith(`${prefix}/`)) return url;
  return `${prefix}${path}${rest}`;
}

const tag = /<([a-z][a-z0-9]*)((?:\s+[^\s"'>/=]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+))?)*)/gi;

export function rewriteHtml(html: string, options: RewriteOptions): string {
  return html.replace(tag, (whole, name: string, attributes: string) => {
    const rewritten = urlAttributes[name.toLowerCase()];
    if (rewritten === undefined || attributes === '') return whole;
    const changed = attributes.replace(
      /(\s)([^\s"'>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/g,
      (attribute, space: string, key: string, equals: string, value: string) => {
        if (!rewritten.includes(key.toLowerCase())) return attribute;
        const quote = value.startsWith('"') || value.startsWith("'") ? value[0]! : '';
        const url = quote === '' ? value : value.slice(1, -1);
        return `${space}${key}${equals}${quote}${rewriteUrl(url, options)}${quote}`;
      },
    );
    return `<${name}${changed}`;
  });
}
