// Reads a command's arguments by its options; what it does not understand is a UsageError that names the nearest flag.
import { parseArgs } from 'node:util';
import { InvalidArgumentError } from '../errors.ts';
import { nearest } from '../sources/nearest.ts';
import { flagOf, shown } from './options.ts';
import type { Option, Options, Values } from './options.ts';

/** The command line itself is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface Arguments<O extends Options> {
  readonly options: Values<O>;
  readonly positionals: readonly string[];
}

/** Throws UsageError. A value may begin with "-" unless it is one of the command's own flags. */
export function parseArguments<O extends Options>(command: string, options: O, args: readonly string[]): Arguments<O> {
  const byFlag = flagTable(options);
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(
      longFlags(options).map(([flag, option]) => [
        flag,
        {
          type: option.value === undefined ? ('boolean' as const) : ('string' as const),
          ...(option.short !== undefined &&
            flag === flagOf(byFlag.get(`--${flag}`)!, option) && { short: option.short }),
        },
      ]),
    ),
  });
  const given = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const name = byFlag.get(token.rawName);
    if (name === undefined) throw unknownOption(command, token.rawName, byFlag);
    const option = options[name];
    if (option.value === undefined) {
      if (token.value !== undefined)
        throw new UsageError(`${token.rawName} takes no value, ${shown(token.value)} was given.`);
      given.set(name, []);
      continue;
    }
    if (token.value === undefined || (!token.inlineValue && byFlag.has(token.value))) {
      throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${option.value}.`);
    }
    given.set(name, [...(option.repeated ? (given.get(name) ?? []) : []), token.value]);
  }
  return { options: parseValues(options, given), positionals };
}

function parseValues<O extends Options>(options: O, given: ReadonlyMap<string, string[]>): Values<O> {
  return Object.fromEntries(
    [...given].map(([name, list]) => {
      try {
        return [name, options[name].parse(list)];
      } catch (error) {
        if (!(error instanceof InvalidArgumentError)) throw error;
        throw new UsageError(`--${flagOf(name, options[name])} ${error.message}.`);
      }
    }),
  ) as Values<O>;
}

function longFlags(options: Options): [string, Option<unknown>][] {
  return Object.entries(options).flatMap(([name, option]) =>
    [flagOf(name, option), ...(option.aliases ?? [])].map((flag): [string, Option<unknown>] => [flag, option]),
  );
}

/** Every way to write an option, with its dashes, to its name. */
function flagTable(options: Options): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(options).flatMap(([name, option]) => [
      ...[flagOf(name, option), ...(option.aliases ?? [])].map((flag): [string, string] => [`--${flag}`, name]),
      ...(option.short === undefined ? [] : [[`-${option.short}`, name] as [string, string]]),
    ]),
  );
}

function unknownOption(command: string, given: string, known: ReadonlyMap<string, string>): UsageError {
  const close = nearest(
    given,
    [...known.keys()].filter((flag) => flag.startsWith('--')),
  );
  const hint = close === undefined ? `See clawdbot ${command} --help.` : `Did you mean ${close}?`;
  return new UsageError(`Unknown option ${shown(given).slice(1, -1)} for clawdbot ${command}. ${hint}`);
}
