// The README's tables of runtimes and of hashes, read as data.
import { readFileSync } from 'node:fs';
import { inRepository } from '../support/fixtures.ts';

type Row = Readonly<Record<string, string>>;

/** The rows of the table between `<!-- NAME:begin` and `<!-- NAME:end`, by the first column; cells by the table's head. */
function tableOf(name: string): Readonly<Record<string, Row>> {
  const readme = readFileSync(inRepository('README.md'), 'utf8');
  const [, block] = new RegExp(`<!-- ${name}:begin[^\\n]*\\n([\\s\\S]*?)<!-- ${name}:end`).exec(readme)!;
  const lines = block!.split('\n').filter((line) => line.startsWith('|')).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
  const [head, , ...rows] = lines;
  return Object.fromEntries(rows.map((cells) => [cells[0]!, Object.fromEntries(cells.map((cell, i) => [head![i]!, cell]))]));
}

/** SHA-256 by model. */
export function logitsHashes(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(tableOf('hashes')).map(([model, row]) => [model, row['SHA-256']!.replaceAll('`', '')]));
}

/** The README's cells of one runtime, by feature; undefined where it has no such column. */
export function matrixColumn(runtime: string): Readonly<Record<string, string>> | undefined {
  const rows = Object.entries(tableOf('runtimes'));
  return rows.length > 0 && rows.every(([, row]) => runtime in row)
    ? Object.fromEntries(rows.map(([feature, row]) => [feature, row[runtime]!])) : undefined;
}
