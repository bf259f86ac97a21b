// Where a JSON value that begins in a text ends, without parsing it again and again as it grows.

export function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\r\n'.includes(text[at])) at++;
  return at;
}

/** The index after the object or list that begins at `start`. */
export function jsonEnd(text: string, start: number): number | 'incomplete' | 'invalid' {
  const open: string[] = [];
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      at = stringEnd(text, at);
      if (at < 0) return 'incomplete';
    } else if (character === '{' || character === '[') {
      open.push(character === '{' ? '}' : ']');
    } else if (character === '}' || character === ']') {
      if (open.pop() !== character) return 'invalid';
      if (open.length === 0) return at + 1;
    }
  }
  return 'incomplete';
}

function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at;
  }
  return -1;
}
