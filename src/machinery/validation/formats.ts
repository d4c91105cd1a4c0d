/**
 * The forms that names, keys and values may have (apimachinery util/validation). Each check returns messages, none when
 * the value is fine; the texts are upstream's, clients match on them.
 */

type Check = (value: string) => readonly string[];

const utf8 = new TextEncoder();

/** Go's len(): bytes. */
export const byteLength = (text: string): number => {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return utf8.encode(text).length;
  return text.length;
};

export const emptyError = 'must be non-empty';
export const maxLengthError = (max: number): string => `must be no more than ${max} characters`;
const maxBytesError = (max: number): string => `must be no more than ${max} bytes`;
export const inclusiveRangeError = (lo: number, hi: number): string => `must be between ${lo} and ${hi}, inclusive`;

/** `what (e.g. 'a',  or 'b', regex used for validation is 'f')`, with upstream's own punctuation. */
export function regexError(what: string, format: string, ...examples: string[]): string {
  if (examples.length === 0) return `${what} (regex used for validation is '${format}')`;
  return `${what} (e.g. ${examples.map((e) => `'${e}', `).join(' or ')}regex used for validation is '${format}')`;
}

const whole = (format: string) => new RegExp(`^(?:${format})$`);

const labelFormat = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const labelRegex = whole(labelFormat);
const subdomainFormat = `${labelFormat}(\\.${labelFormat})*`;
const subdomainRegex = whole(subdomainFormat);
const dns1035Format = '[a-z]([-a-z0-9]*[a-z0-9])?';
const dns1035Regex = whole(dns1035Format);

const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const dns1035Text =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";

export const isDns1123Label: Check = (value) => {
  const out: string[] = [];
  if (byteLength(value) > 63) out.push(maxLengthError(63));
  if (!labelRegex.test(value))
    out.push(
      subdomainRegex.test(value) ? 'must not contain dots' : regexError(labelText, labelFormat, 'my-name', '123-abc'),
    );
  return out;
};

export const isDns1123Subdomain: Check = (value) => {
  const out: string[] = [];
  if (byteLength(value) > 253) out.push(maxLengthError(253));
  if (!subdomainRegex.test(value)) out.push(regexError(subdomainText, subdomainFormat, 'example.com'));
  return out;
};

export const isDns1035Label: Check = (value) => {
  const out: string[] = [];
  if (byteLength(value) > 63) out.push(maxLengthError(63));
  if (!dns1035Regex.test(value)) out.push(regexError(dns1035Text, dns1035Format, 'my-name', 'abc-123'));
  return out;
};

const wildcardFormat = `\\*\\.${subdomainFormat}`;
const wildcardRegex = whole(wildcardFormat);
export const isWildcardDns1123Subdomain: Check = (value) => {
  const out: string[] = [];
  if (byteLength(value) > 253) out.push(maxLengthError(253));
  if (!wildcardRegex.test(value))
    out.push(
      regexError(
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
        wildcardFormat,
        '*.example.com',
      ),
    );
  return out;
};

const keyFormat = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const keyRegex = whole(keyFormat);
const keyText =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const keyError = regexError(keyText, keyFormat, 'MyName', 'my.name', '123-abc');

/** Keys of labels and annotations, resource names, finalizers: `[prefix/]name`. */
export const isQualifiedName: Check = (value) => {
  const out: string[] = [];
  const parts = value.split('/');
  if (parts.length > 2)
    return [`a valid label key ${keyError} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const name = parts[parts.length - 1]!;
  if (parts.length === 2) {
    if (parts[0] === '') out.push(`prefix part ${emptyError}`);
    else for (const message of isDns1123Subdomain(parts[0]!)) out.push(`prefix part ${message}`);
  }
  if (name === '') out.push(`name part ${emptyError}`);
  else if (byteLength(name) > 63) out.push(`name part ${maxBytesError(63)}`);
  if (!keyRegex.test(name)) out.push(`name part ${keyError}`);
  return out;
};

const valueFormat = `(${keyFormat})?`;
const valueRegex = whole(valueFormat);
export const isLabelValue: Check = (value) => {
  const out: string[] = [];
  if (byteLength(value) > 63) out.push(maxBytesError(63));
  if (!valueRegex.test(value))
    out.push(
      regexError(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        valueFormat,
        'MyValue',
        'my_value',
        '12345',
      ),
    );
  return out;
};

/** Names that end up as a segment of a URL path. `prefix`: something is appended to it. */
export function isPathSegmentName(value: string, prefix = false): readonly string[] {
  if (!prefix && (value === '.' || value === '..')) return [`may not be '${value}'`];
  return ['/', '%'].filter((c) => value.includes(c)).map((c) => `may not contain '${c}'`);
}

function chDirErrors(value: string): readonly string[] {
  if (value === '.') return ["must not be '.'"];
  if (value === '..') return ["must not be '..'"];
  return value.startsWith('..') ? ["must not start with '..'"] : [];
}

/** Keys of ConfigMaps and Secrets. */
export const isConfigMapKey: Check = (value) => {
  const out: string[] = [];
  if (byteLength(value) > 253) out.push(maxLengthError(253));
  if (!/^[-._a-zA-Z0-9]+$/.test(value))
    out.push(
      regexError(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        '[-._a-zA-Z0-9]+',
        'key.name',
        'KEY_NAME',
        'key-name',
      ),
    );
  out.push(...chDirErrors(value));
  return out;
};

/** Names of environment variables: any printable ASCII but '=' (relaxed since v1.34). */
export const isEnvVarName: Check = (value) => {
  if (value === '') return [`environment variable name ${emptyError}`];
  if (!/^[\x20-\x7e]*$/.test(value) || value.includes('='))
    return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
  return [];
};

export const isHttpHeaderName: Check = (value) =>
  /^[-A-Za-z0-9]+$/.test(value)
    ? []
    : [
        regexError(
          "a valid HTTP header must consist of alphanumeric characters or '-'",
          '[-A-Za-z0-9]+',
          'X-Header-Name',
        ),
      ];

export const isPortNumber = (port: number): readonly string[] =>
  Number.isInteger(port) && port >= 1 && port <= 65535 ? [] : [inclusiveRangeError(1, 65535)];

/** Names of ports (RFC 6335, lower case only). */
export const isPortName: Check = (value) => {
  const out: string[] = [];
  if (byteLength(value) > 15) out.push(maxLengthError(15));
  if (!/^[-a-z0-9]+$/.test(value)) out.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) out.push('must contain at least one letter (a-z)');
  if (value.includes('--')) out.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) out.push('must not begin or end with a hyphen');
  return out;
};

export const isPercent: Check = (value) =>
  /^[0-9]+%$/.test(value)
    ? []
    : [regexError("a valid percent string must be a numeric string followed by an ending '%'", '[0-9]+%', '1%', '93%')];

/** A generated name may end in '-': the suffix follows. Upstream's way to check it, oddities included. */
function maskTrailingDash(name: string): string {
  return name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;
}

/** Rules for `metadata.name`; `prefix` is true for a generateName. */
export type NameRule = (name: string, prefix: boolean) => readonly string[];

export const nameIsDnsSubdomain: NameRule = (name, prefix) =>
  isDns1123Subdomain(prefix ? maskTrailingDash(name) : name);
export const nameIsDnsLabel: NameRule = (name, prefix) => isDns1123Label(prefix ? maskTrailingDash(name) : name);
export const nameIsDns1035Label: NameRule = (name, prefix) => isDns1035Label(prefix ? maskTrailingDash(name) : name);
/** For RBAC kinds and others whose names hold colons. */
export const nameIsPathSegment: NameRule = (name, prefix) => isPathSegmentName(name, prefix);
