// Writes the help texts: one for the program, one for each command, from the commands' own tables.
import type { Command } from './command.ts';
import { flagOf } from './options.ts';
import type { Option } from './options.ts';

export function programHelp(commands: readonly Command[], version: string): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  return `clawdbot ${version}: language models on WebAssembly, no native code

Usage: clawdbot COMMAND [OPTIONS]

Commands:
${commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`).join('\n')}

Options:
  -h, --help     Show this help, or that of a command
  -V, --version  Show the version

Examples:
  clawdbot run "What is the capital of France?"
  clawdbot chat --system "Answer in French."
  clawdbot inspect model.gguf --tensors

Exit codes: 0 done, 1 it failed, 2 the command line is wrong, 130 interrupted.
`;
}

export function commandHelp(command: Command): string {
  const options = Object.entries(command.options).map(([name, option]) => [flags(name, option), option.help] as const);
  const width = Math.min(30, Math.max(...options.map(([flag]) => flag.length)));
  const lines = options.map(([flag, help]) =>
    flag.length > width ? `  ${flag}\n  ${' '.repeat(width)}  ${help}` : `  ${flag.padEnd(width)}  ${help}`,
  );
  return `${command.summary}

Usage: clawdbot ${command.name} ${command.usage}
${command.notes === undefined ? '' : `\n${command.notes}\n`}
Options:
${lines.join('\n')}

Examples:
${command.examples.map((example) => `  ${example}`).join('\n')}
`;
}

function flags(name: string, option: Option<unknown>): string {
  const long = [flagOf(name, option), ...(option.aliases ?? [])].map((flag) => `--${flag}`).join(', ');
  const value = option.value === undefined ? '' : ` ${option.value}`;
  return `${option.short === undefined ? '    ' : `-${option.short}, `}${long}${value}`;
}
