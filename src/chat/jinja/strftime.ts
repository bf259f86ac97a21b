// Dates as Python's strftime writes them in the C locale.

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October',
  'November', 'December'];

export function strftime(date: Date, format: string): string {
  return format.replace(/%(-?)([a-zA-Z%])/g, (whole, unpadded: string, directive: string) => {
    const text = directiveText(date, directive);
    if (text === undefined) return whole;
    return unpadded ? text.replace(/^0+(?=\d)/, '') : text;
  });
}

function directiveText(date: Date, directive: string): string | undefined {
  const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
  const hours = date.getHours();
  const day = DAYS[date.getDay()] as string;
  const month = MONTHS[date.getMonth()] as string;
  switch (directive) {
    case 'Y': return pad(date.getFullYear(), 4);
    case 'y': return pad(date.getFullYear() % 100);
    case 'm': return pad(date.getMonth() + 1);
    case 'd': return pad(date.getDate());
    case 'e': return String(date.getDate()).padStart(2, ' ');
    case 'B': return month;
    case 'b': case 'h': return month.slice(0, 3);
    case 'A': return day;
    case 'a': return day.slice(0, 3);
    case 'H': return pad(hours);
    case 'I': return pad(hours % 12 || 12);
    case 'p': return hours < 12 ? 'AM' : 'PM';
    case 'M': return pad(date.getMinutes());
    case 'S': return pad(date.getSeconds());
    case 'f': return pad(date.getMilliseconds() * 1000, 6);
    case 'j': return pad(dayOfYear(date), 3);
    case 'w': return String(date.getDay());
    case 'u': return String(date.getDay() || 7);
    case 'F': return strftime(date, '%Y-%m-%d');
    case 'T': case 'X': return strftime(date, '%H:%M:%S');
    case 'R': return strftime(date, '%H:%M');
    case 'D': case 'x': return strftime(date, '%m/%d/%y');
    case 'c': return strftime(date, '%a %b %e %H:%M:%S %Y');
    case 'z': case 'Z': return '';
    case '%': return '%';
    default: return undefined;
  }
}

function dayOfYear(date: Date): number {
  const midnight = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((midnight - Date.UTC(date.getFullYear(), 0, 0)) / 86_400_000);
}
