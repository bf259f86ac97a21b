// How things look in a terminal: tables, sizes, numbers, and text from models and files made harmless.

/** Columns padded to their widest cell; cells of columns in `right` are aligned to the right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return (
    rows
      .map((row) =>
        row
          .map((cell, column) => (right.includes(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
          .join('  ')
          .trimEnd(),
      )
      .join('\n') + '\n'
  );
}

/** 134.5 M, as model sizes are said. */
export function formatCount(count: number): string {
  for (const [size, unit] of [
    [1e12, 'T'],
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'K'],
  ] as const) {
    if (count >= size) return `${(count / size).toFixed(1)} ${unit}`;
  }
  return String(count);
}

/** Control and bidirectional characters, which move a terminal's cursor or hide what is there, become escapes. */
export function printable(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (character) => ESCAPES[character] ?? `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** What a model says, for a terminal: line breaks and tabs stay, other control characters are left out. */
export function forTerminal(text: string): string {
  return text.replace(TERMINAL_CONTROLS, '');
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const UNPRINTABLE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const TERMINAL_CONTROLS = /(?![\n\t])\p{Cc}/gu;
