// Cuts text into the words that byte-level BPE merges within, by the regular expressions of a pre-tokenizer.
import { TokenizerError } from '../errors.ts';
import type { Steps } from '../steps.ts';

const MATCHES_A_STEP = 512;
const UNITS_A_STEP = 16_384;

/** Applies each expression to the pieces the one before left; what it does not match stays a piece of its own. */
export function* splitWords(text: string, expressions: readonly RegExp[]): Steps<string[]> {
  let pieces = [text];
  for (const expression of expressions) {
    const next: string[] = [];
    const place = { piece: 0, from: 0 };
    while (!splitPieces(pieces, expression, place, next)) yield;
    pieces = next;
  }
  return pieces;
}

/** Goes on at `place` until there are so many pieces more; true once all are split. */
function splitPieces(pieces: readonly string[], expression: RegExp, place: { piece: number; from: number }, output: string[]): boolean {
  const enough = output.length + MATCHES_A_STEP;
  let numUnits = 0;
  for (; place.piece < pieces.length; place.piece++) {
    const piece = pieces[place.piece]!;
    while (place.from < piece.length) {
      if (output.length >= enough || numUnits >= UNITS_A_STEP) return false;
      const { from } = place;
      place.from = splitPiece(piece, expression, from, output);
      numUnits += place.from - from;
    }
    place.from = 0;
  }
  return true;
}

/** Goes on at `from` for so many matches or units; returns where it got to. `expression` is global and never matches the empty string. */
function splitPiece(piece: string, expression: RegExp, from: number, output: string[]): number {
  let at = from;
  expression.lastIndex = at;
  for (let i = 0; i < MATCHES_A_STEP; i++) {
    const match = search(expression, piece);
    if (!match) {
      output.push(piece.slice(at));
      return piece.length;
    }
    if (match.index > at) output.push(piece.slice(at, match.index));
    output.push(match[0]);
    at = expression.lastIndex;
    if (at === piece.length || at - from >= UNITS_A_STEP) break;
  }
  return at;
}

function search(expression: RegExp, piece: string): RegExpExecArray | null {
  try {
    return expression.exec(piece);
  } catch (error) {
    // V8's matcher keeps a position per character of a run and overflows at some millions of them.
    if (!(error instanceof RangeError)) throw error;
    throw new TokenizerError(
      `The text has a run of letters too long to split into words (${piece.length} characters in one piece). ` +
        'Cut the text into parts.', { cause: error },
    );
  }
}
