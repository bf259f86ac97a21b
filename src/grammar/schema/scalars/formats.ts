// The values of `format` that are enforced, as patterns. Some are narrower than their standards: what they match is always valid.
import type { Bound } from './numbers.ts';
import type { Json } from '../references.ts';

const HOUR_MINUTE = '(?:[01]\\d|2[0-3]):[0-5]\\d';
const OFFSET = `(?:[Zz]|[+-]${HOUR_MINUTE})`;
/** Leap seconds in UTC only: where one may be depends on the offset. */
const TIME = `(?:${HOUR_MINUTE}:[0-5]\\d(?:\\.\\d{1,18})?${OFFSET}|23:59:60(?:\\.\\d{1,18})?(?:[Zz]|[+-]00:00))`;
const LEAP_YEAR = '(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)';
const DATE = '(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)' +
  `|02-(?:0[1-9]|1\\d|2[0-8]))|${LEAP_YEAR}-02-29)`;
/** Shorter than they may be, as every character more is a state more. */
const LABEL = '[A-Za-z0-9]{1,16}(?:-[A-Za-z0-9]{1,8})?';
const HOSTNAME = `${LABEL}(?:\\.${LABEL}){0,3}`;
const BYTE = '(?:\\d|[1-9]\\d|1\\d\\d|2[0-4]\\d|25[0-5])';
const IPV4 = `${BYTE}(?:\\.${BYTE}){3}`;
const GROUP = '[0-9A-Fa-f]{1,4}';
const IPV6 = ipv6();
const DURATION_TIME = 'T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S)';
const DURATION_DATE = '(?:\\d+Y(?:\\d+M(?:\\d+D)?)?|\\d+M(?:\\d+D)?|\\d+D)';
const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const EMAIL = `${ATOM}(?:\\.${ATOM})*@${LABEL}(?:\\.${LABEL}){1,3}`;
const URI_CHARACTER = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";
/** Of the first segment of what has no scheme, where a colon would end one. */
const URI_CHARACTER_BUT_COLON = URI_CHARACTER.replace('=:@', '=@');
const TAIL = `(?:\\?(?:${URI_CHARACTER}|[/?])*)?(?:#(?:${URI_CHARACTER}|[/?])*)?`;
const SEGMENTS = `(?:/${URI_CHARACTER}*)*`;
const AUTHORITY = `//(?:${URI_CHARACTER.replace(':@', ':')}*@)?${HOSTNAME}(?::\\d{1,5})?`;
/** Without an authority, and not beginning with two slashes. */
const PATH = `(?:/(?:${URI_CHARACTER}+${SEGMENTS})?|${URI_CHARACTER}+${SEGMENTS})`;
const URI = `[A-Za-z][A-Za-z0-9+.-]{1,15}:(?:${AUTHORITY}${SEGMENTS}|${PATH})${TAIL}`;
const URI_REFERENCE = `(?:${URI}|(?:${AUTHORITY}${SEGMENTS}|/(?:${URI_CHARACTER}+${SEGMENTS})?|${URI_CHARACTER_BUT_COLON}+${SEGMENTS})?${TAIL})`;
const POINTER = '(?:/(?:[^~/]|~[01])*)*';
const VARIABLE = '(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})+(?::[1-9]\\d{0,3}|\\*)?';

export const FORMATS: Readonly<Record<string, string>> = {
  date: DATE,
  time: TIME,
  'date-time': `${DATE}[Tt]${TIME}`,
  duration: `P(?:${DURATION_DATE}(?:${DURATION_TIME})?|${DURATION_TIME}|\\d+W)`,
  uuid: '[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}',
  email: EMAIL,
  'idn-email': EMAIL,
  hostname: HOSTNAME,
  'idn-hostname': HOSTNAME,
  ipv4: IPV4,
  ipv6: IPV6,
  uri: URI,
  iri: URI,
  'uri-reference': URI_REFERENCE,
  'iri-reference': URI_REFERENCE,
  'uri-template': `(?:[A-Za-z0-9._~!$&()*+,;=:@/?#\\[\\]-]|%[0-9A-Fa-f]{2}|\\{[+#./;?&]?${VARIABLE}(?:,${VARIABLE})*\\})*`,
  'json-pointer': POINTER,
  'relative-json-pointer': `(?:0|[1-9]\\d*)(?:#|${POINTER})`,
  byte: '(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?',
};

/** What a text of a format surely matches, where its pattern above does not match all that the standard allows. */
export const WIDER_FORMATS: Readonly<Record<string, string>> = {
  time: '^\\d\\d:\\d\\d',
  'date-time': '^\\d{4}-\\d\\d-\\d\\d',
  email: '@',
  'idn-email': '@',
  hostname: '^[A-Za-z0-9.-]*$',
  'idn-hostname': '^[^ ]*$',
  uri: '^[A-Za-z][A-Za-z0-9+.-]*:',
  iri: '^[A-Za-z][A-Za-z0-9+.-]*:',
  'uri-reference': '^[^ <>\\\\^`{|}]*$',
  'iri-reference': '^[^ <>\\\\^`{|}]*$',
  'uri-template': '^[^ ]*$',
  byte: '^[A-Za-z0-9+/=\\s]*$',
};

export function isNarrower(format: Json): boolean {
  return Object.hasOwn(WIDER_FORMATS, format as string);
}

/** Formats that narrow nothing that a JSON string cannot be. */
export const ANNOTATING_FORMATS: ReadonlySet<string> = new Set(['password', 'binary', 'textarea']);

/** Those of OpenAPI, which are about numbers and say nothing about strings. */
export const FORMATS_OF_NUMBERS: ReadonlyMap<string, { readonly isInteger: boolean; readonly low?: Bound; readonly high?: Bound }> = new Map([
  ['int32', { isInteger: true, low: { value: -(2 ** 31), exclusive: false }, high: { value: 2 ** 31 - 1, exclusive: false } }],
  ['int64', { isInteger: true }], ['float', { isInteger: false }], ['double', { isInteger: false }],
]);

/** Eight groups; fewer around "::"; the last two may be an IPv4 address (RFC 4291, 2.2). */
function ipv6(): string {
  const groups = (count: number): string => (count === 0 ? '' : `${GROUP}(?::${GROUP}){${count - 1}}`);
  const short = (most: number, tail: string): string[] => Array.from({ length: most + 1 }, (_, before) => {
    const after = most - before;
    const behind = tail === '' ? (after === 0 ? '' : `(?:${GROUP}(?::${GROUP}){0,${after - 1}})?`) : `(?:${GROUP}:){0,${after}}${tail}`;
    return `${groups(before)}::${behind}`;
  });
  return `(?:${[groups(8), ...short(7, ''), `(?:${GROUP}:){6}${IPV4}`, ...short(5, IPV4)].join('|')})`;
}
