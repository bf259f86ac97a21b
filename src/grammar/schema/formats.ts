// The values of `format` that are enforced, as patterns. Some are narrower than their standards: what they match is always valid.

const HOUR_MINUTE = '(?:[01]\\d|2[0-3]):[0-5]\\d';
const OFFSET = `(?:Z|[+-]${HOUR_MINUTE})`;
const TIME = `${HOUR_MINUTE}:[0-5]\\d(?:\\.\\d{1,9})?${OFFSET}`;
const LEAP_YEAR = '(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)';
const DATE = '(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)' +
  `|02-(?:0[1-9]|1\\d|2[0-8]))|${LEAP_YEAR}-02-29)`;
const LABEL = '[A-Za-z0-9]{1,16}(?:-[A-Za-z0-9]{1,8})?';
const HOSTNAME = `${LABEL}(?:\\.${LABEL}){0,3}`;
const BYTE = '(?:\\d|[1-9]\\d|1\\d\\d|2[0-4]\\d|25[0-5])';
const IPV4 = `${BYTE}(?:\\.${BYTE}){3}`;
const GROUP = '[0-9A-Fa-f]{1,4}';
const IPV6 = [
  `(?:${GROUP}:){7}${GROUP}`,
  ...Array.from({ length: 7 }, (_, before) => {
    const after = 6 - before;
    const head = before === 0 ? '' : `${GROUP}(?::${GROUP}){${before - 1}}`;
    return `${head}::(?:${GROUP}(?::${GROUP}){0,${Math.max(0, after - 1)}})?`;
  }),
].join('|');
const DURATION_TIME = 'T(?:\\d{1,6}H(?:\\d{1,6}M(?:\\d{1,6}S)?)?|\\d{1,6}M(?:\\d{1,6}S)?|\\d{1,6}S)';
const DURATION_DATE = '(?:\\d{1,6}Y(?:\\d{1,6}M(?:\\d{1,6}D)?)?|\\d{1,6}M(?:\\d{1,6}D)?|\\d{1,6}D)';
const LOCAL = '[A-Za-z0-9_+-]+(?:\\.[A-Za-z0-9_+-]+)*';
const URI_CHARACTER = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";

export const FORMATS: Readonly<Record<string, string>> = {
  date: DATE,
  time: TIME,
  'date-time': `${DATE}T${TIME}`,
  duration: `P(?:${DURATION_DATE}(?:${DURATION_TIME})?|${DURATION_TIME}|\\d{1,6}W)`,
  uuid: '[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}',
  email: `${LOCAL}@${LABEL}(?:\\.${LABEL}){1,3}`,
  hostname: HOSTNAME,
  ipv4: IPV4,
  ipv6: IPV6,
  uri: `[a-z][a-z0-9+-]{1,15}://${HOSTNAME}(?::\\d{1,4})?(?:/${URI_CHARACTER}*)*(?:\\?(?:${URI_CHARACTER}|/)*)?(?:#(?:${URI_CHARACTER}|/)*)?`,
};

/** Formats that narrow nothing that a JSON string cannot be. */
export const ANNOTATING_FORMATS: ReadonlySet<string> = new Set(['password', 'binary', 'textarea']);
