// What a command works on: text or ids, from options, from what stands after them, or from standard input.
import type { Surroundings } from './command.ts';
import { integers, text } from './options.ts';
import type { Values } from './options.ts';
import { readInput } from './output.ts';
import { UsageError } from './parse-arguments.ts';

export const TEXT_OR_IDS = {
  text: text({ help: 'The text' }),
  ids: integers({ min: 0 }, { value: 'ID,…', help: 'Token ids in place of text' }),
};

/** Text from --text, the positional arguments or standard input ("-", or nothing else given), or ids from --ids. */
export async function textOrIds(
  values: Values<typeof TEXT_OR_IDS>,
  positionals: readonly string[],
  surroundings: Surroundings,
): Promise<string | readonly number[]> {
  const given = [values.text, values.ids, positionals.length > 0 ? positionals.join(' ') : undefined];
  const chosen = given.filter((value) => value !== undefined);
  const wrong = new UsageError('Give one text, or --text TEXT, or --ids 1,2,3, or some text on standard input.');
  if (chosen.length > 1 || (chosen.length === 0 && surroundings.stdin.isTTY)) throw wrong;
  if (chosen.length === 1 && chosen[0] !== '-') return chosen[0];
  const input = withoutFinalNewline(await readInput(surroundings));
  if (input === '') throw wrong;
  return input;
}

/** The end of line that `echo` and editors add. */
export function withoutFinalNewline(given: string): string {
  return given.replace(/\r?\n$/, '');
}

/** Throws UsageError where there are arguments that no option takes. */
export function refusePositionals(positionals: readonly string[], hint: string): void {
  if (positionals.length > 0) throw new UsageError(`Unexpected argument ${JSON.stringify(positionals[0])}. ${hint}`);
}

/** The one model a command is about: its argument, or --model. */
export function modelArgument(positionals: readonly string[], model: string | undefined, command: string): string {
  const given = [...positionals, ...(model === undefined ? [] : [model])];
  if (given.length === 1) return given[0];
  throw new UsageError(`clawdbot ${command} takes one MODEL, ${given.length === 0 ? 'none' : given.length} given.`);
}
