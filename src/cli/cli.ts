// Runs one command line: finds the command, reads its options, and turns whatever happens into an exit code.
import { inspect } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { ClawdbotError, InvalidArgumentError } from '../errors.ts';
import { bench } from './commands/bench.ts';
import { chat } from './commands/chat.ts';
import { detokenize } from './commands/detokenize.ts';
import { embed } from './commands/embed.ts';
import { inspect as inspectModel } from './commands/inspect.ts';
import { list } from './commands/list.ts';
import { perplexity } from './commands/perplexity.ts';
import { ps } from './commands/ps.ts';
import { pull } from './commands/pull.ts';
import { rm } from './commands/rm.ts';
import { run } from './commands/run.ts';
import { score } from './commands/score.ts';
import { serve } from './commands/serve.ts';
import { stop } from './commands/stop.ts';
import { tokenize } from './commands/tokenize.ts';
import { web } from './commands/web.ts';
import { Interrupted } from './command.ts';
import type { Command, Surroundings } from './command.ts';
import { withFlags } from './flag-names.ts';
import { commandHelp, programHelp } from './help.ts';
import { nearest } from '../sources/nearest.ts';
import { shown } from './options.ts';
import { print } from './output.ts';
import { UsageError, parseArguments } from './parse-arguments.ts';

export const COMMANDS: readonly Command[] = [
  run,
  chat,
  serve,
  web,
  ps,
  stop,
  pull,
  list,
  rm,
  inspectModel,
  tokenize,
  detokenize,
  embed,
  score,
  perplexity,
  bench,
];

const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** The exit code of `clawdbot ...args`. Never throws. */
export async function runCli(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    await dispatch(args, surroundings);
    return EXIT.done;
  } catch (error) {
    if (error instanceof Interrupted || surroundings.signal.reason instanceof Interrupted) return EXIT.interrupted;
    surroundings.stderr.write(`${messageOf(error, args.includes('--verbose'), args[0])}\n`);
    return error instanceof UsageError || error instanceof InvalidArgumentError ? EXIT.usage : EXIT.failed;
  }
}

async function dispatch([name, ...rest]: readonly string[], surroundings: Surroundings): Promise<void> {
  const { stdout } = surroundings;
  if (name === undefined) throw new UsageError('Say what to do: clawdbot run "Your question", or clawdbot --help.');
  if (name === '--version' || name === '-V') return print(stdout, `${packageJson.version}\n`);
  if (name === '--help' || name === '-h' || name === 'help') {
    return print(
      stdout,
      rest.length > 0 ? commandHelp(findCommand(rest[0])) : programHelp(COMMANDS, packageJson.version),
    );
  }
  const command = findCommand(name);
  const beforeText = rest.slice(0, rest.includes('--') ? rest.indexOf('--') : undefined);
  if (beforeText.includes('--help') || beforeText.includes('-h')) return print(stdout, commandHelp(command));
  await command.run(parseArguments(command.name, command.options, rest), surroundings);
}

function findCommand(name: string): Command {
  const found = COMMANDS.find((command) => command.name === name);
  if (found) return found;
  const close = nearest(
    name,
    COMMANDS.map((command) => command.name),
  );
  const what = name.startsWith('-') ? 'option' : 'command';
  throw new UsageError(
    `Unknown ${what} ${shown(name).slice(1, -1)}. ${close ? `Did you mean ${close}?` : 'See clawdbot --help.'}`,
  );
}

function messageOf(error: unknown, verbose: boolean, commandName: string): string {
  if (verbose) return `error: ${inspect(error)}`;
  if (!(error instanceof Error)) return `error: ${String(error)}`;
  if (error instanceof ClawdbotError) return `error: ${withFlags(error.message, commandName)}`;
  const isExpected =
    error instanceof UsageError ||
    typeof (error as NodeJS.ErrnoException).code === 'string';
  return isExpected ? `error: ${error.message}` : `error: ${error.message} (--verbose shows where)`;
}
