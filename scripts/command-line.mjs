// The command line of scripts: node:util's parseArgs, with --help, which prints the comment that a script begins with, and with
// one line instead of a stack for what is wrong. bench/ and scripts/ share it.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs as parse } from 'node:util';

/** As node:util has it. Ends the process after --help (0) and for options that there are not (2). */
export function parseArgs(config = {}) {
  const args = config.args ?? process.argv.slice(2);
  try {
    const found = parse({ ...config, args, options: { ...config.options, help: { type: 'boolean', short: 'h' } } });
    if (!found.values.help) return found;
  } catch (error) {
    if (!String(error.code).startsWith('ERR_PARSE_ARGS')) throw error;
    console.error(`${error.message.split(/\. To specify|\n/)[0]}. --help shows what there is.`.replace('..', '.'));
    process.exit(2);
  }
  console.log(headOf(readFileSync(process.argv[1], 'utf8')));
  return process.exit(0);
}

/** The comment at the beginning of a script, without its slashes. */
function headOf(source) {
  const lines = source.replace(/^#!.*\n/, '').split('\n');
  const end = lines.findIndex((line) => !line.startsWith('//'));
  return lines.slice(0, end).map((line) => line.replace(/^\/\/ ?/, '')).join('\n');
}
