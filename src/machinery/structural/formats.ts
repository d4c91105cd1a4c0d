/** The formats of strings that custom resources may ask for (kube-openapi strfmt), beside those of numbers. */
import { ipFamilyOf, isCidr } from '../net/ip.ts';

type Check = (text: string) => boolean;

const pattern =
  (regex: RegExp): Check =>
  (text) =>
    regex.test(text);

const hostname =
  /^[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,62}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,62}[a-zA-Z0-9])?)*\.?$/;
const uuid = (version: string, variant: string) =>
  new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`, 'i');
const label = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!match) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function isDateTime(text: string): boolean {
  const match = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:[Zz]|[+-]\d{2}:?\d{2})$/.exec(text);
  return match !== null && isDate(match[1]!) && Number(match[2]) < 24 && Number(match[3]) < 60 && Number(match[4]) < 61;
}

/** An absolute URI, or an absolute path: what Go's url.ParseRequestURI takes. */
function isUri(text: string): boolean {
  if (text === '' || /[\u0000-\u001f\u007f ]/.test(text)) return false;
  if (text.startsWith('/')) return true;
  const match = /^([a-zA-Z][a-zA-Z0-9+.-]*):(.*)$/s.exec(text);
  return match !== null && !/%(?![0-9a-fA-F]{2})/.test(match[2]!);
}

function isCreditCard(text: string): boolean {
  const digits = text.replace(/[ -]/g, '');
  if (!/^\d{12,19}$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    let digit = Number(digits[digits.length - 1 - i]);
    if (i % 2 === 1) digit = digit > 4 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return sum % 10 === 0;
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[ -]/g, '');
  if (!/^\d{9}[\dXx]$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < 10; i++) sum += (10 - i) * (/[Xx]/.test(digits[i]!) ? 10 : Number(digits[i]));
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[ -]/g, '');
  if (!/^97[89]\d{10}$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < 13; i++) sum += Number(digits[i]) * (i % 2 === 0 ? 1 : 3);
  return sum % 10 === 0;
}

const checks: Readonly<Record<string, Check>> = {
  bsonobjectid: pattern(/^[0-9a-f]{24}$/i),
  uri: isUri,
  email: pattern(/^[^\s@<>()",;:\\[\]]+@[a-zA-Z0-9](?:[-a-zA-Z0-9.]*[a-zA-Z0-9])?$/),
  hostname: (text) => text.length <= 255 && hostname.test(text),
  ipv4: (text) => ipFamilyOf(text) === 'IPv4',
  ipv6: (text) => ipFamilyOf(text) === 'IPv6',
  cidr: isCidr,
  mac: pattern(/^[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$|^(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}$/i),
  uuid: pattern(uuid('[0-9a-f]', '[0-9a-f]')),
  uuid3: pattern(uuid('3', '[0-9a-f]')),
  uuid4: pattern(uuid('4', '[89ab]')),
  uuid5: pattern(uuid('5', '[89ab]')),
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: isCreditCard,
  ssn: pattern(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  hexcolor: pattern(/^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  rgbcolor: pattern(
    /^rgb\(\s*(?:0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*(?:,\s*(?:0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*){2}\)$/,
  ),
  byte: pattern(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/),
  password: () => true,
  date: isDate,
  duration: pattern(/^\s*[+-]?(?:(?:\d+\.?\d*|\.\d+)\s*(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h|[a-z]+)\s*)+$/),
  datetime: isDateTime,
  'date-time': isDateTime,
  'k8s-short-name': (text) => text.length <= 63 && label.test(text),
  'k8s-long-name': (text) => text.length <= 253 && text.split('.').every((part) => label.test(part)),
};

/** Whether the format is one that is checked. */
export const isKnownFormat = (format: string): boolean => Object.hasOwn(checks, format);

/** True for formats that are not known: they say nothing. */
export const hasFormat = (format: string, text: string): boolean =>
  Object.hasOwn(checks, format) ? checks[format]!(text) : true;
