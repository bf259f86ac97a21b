// Checks of a whole object of options: each has a rule, and what has none is no option.
import { InvalidArgumentError } from '../errors.ts';
import { describe } from './sampler/options.ts';

export const isBoolean = (value: unknown): boolean => typeof value === 'boolean';

/** What each option must be, in words and as a check. */
export type OptionRules<Options> = Readonly<Record<keyof Options, readonly [what: string, isRight: (value: unknown) => boolean]>>;

/** Throws InvalidArgumentError for an option that does not exist or makes no sense; undefined stands for the default. `kind` is "load option" and the like. */
export function checkOptions<Options extends object>(options: Options, rules: OptionRules<Options>, kind: string): void {
  if (typeof options !== 'object' || (options as unknown) === null || Array.isArray(options)) {
    throw new InvalidArgumentError(`The ${kind}s must be an object, not ${describe(options)}.`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rules, name)) {
      throw new InvalidArgumentError(`There is no ${kind} "${name}". There are ${Object.keys(rules).join(', ')}.`);
    }
    const [what, isRight] = rules[name as keyof Options];
    if (value !== undefined && !isRight(value)) throw new InvalidArgumentError(`${name} must be ${what}, not ${describe(value)}.`);
  }
}
