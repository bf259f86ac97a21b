// Cuts text into the words that byte-level BPE merges within, by the regular expressions of a pre-tokenizer.
import { TokenizerError } from '../errors.ts';

/** Applies each expression to the pieces the one before left; what it does not match stays a piece of its own. */
export function splitWords(text: string, expressions: readonly RegExp[]): string[] {
  let pieces = [text];
  for (const expression of expressions) {
    const next: string[] = [];
    for (const piece of pieces) splitPiece(piece, expression, next);
    pieces = next;
  }
  return pieces;
}

/** `expression` is global and never matches the empty string. */
function splitPiece(piece: string, expression: RegExp, output: string[]): void {
  let from = 0;
  expression.lastIndex = 0;
  for (let match = search(expression, piece); match; match = search(expression, piece)) {
    if (match.index > from) output.push(piece.slice(from, match.index));
    output.push(match[0]);
    from = expression.lastIndex;
  }
  if (from < piece.length) output.push(piece.slice(from));
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
