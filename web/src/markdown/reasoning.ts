// Splits off what a model thinks aloud (<think>…</think> at the start of its reply) from the answer.

export interface SplitReply {
  readonly reasoning: string;
  readonly answer: string;
  /** The thinking has not ended yet. */
  readonly isThinking: boolean;
}

const OPENING = '<think>';
const CLOSING = '</think>';

export function splitReasoning(text: string): SplitReply {
  const start = text.trimStart();
  if (!start.startsWith(OPENING)) return { reasoning: '', answer: text, isThinking: false };
  const end = start.indexOf(CLOSING);
  if (end < 0) return { reasoning: start.slice(OPENING.length).trim(), answer: '', isThinking: true };
  return {
    reasoning: start.slice(OPENING.length, end).trim(),
    answer: start.slice(end + CLOSING.length).trimStart(),
    isThinking: false,
  };
}
