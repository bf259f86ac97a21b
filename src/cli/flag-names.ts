// Errors of the API name its options; on the command line they name its flags.
import { flagOf } from './options.ts';
import { SAMPLING } from './shared-options.ts';

const FLAGS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(SAMPLING).map(([name, option]) => [name, `--${flagOf(name, option)}`])),
  contextLength: '--context', maxBatchTokens: '--batch', kvType: '--kv', draftModel: '--draft-model', maxMemory: '--max-memory',
  maxSequences: '--max-sequences', ropeScaling: '--rope-scaling', ropeTheta: '--rope-theta', contextPolicy: '--context-policy',
  cacheDir: '--cache-dir', threads: '--threads', deterministic: '--deterministic',
  maxTokens: '--max-tokens', stop: '--stop', ignoreEos: '--ignore-eos', n: '--samples', logprobs: '--logprobs',
  parseSpecial: '--parse-special', pooling: '--pooling', apiKeys: '--api-key',
};
/** What some commands call otherwise. */
const OWN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  score: { topK: '--top' },
  bench: { contextLength: '-p, -n or -d' },
};
const CALLS: Readonly<Record<string, string>> = {
  'embed()': 'clawdbot embed', 'score()': 'clawdbot score', 'generate()': 'clawdbot run',
};

const NAMES = Object.keys(FLAGS);
/** Only names that are no English words, or that begin the sentence: "stop must be …". */
const UNMISTAKABLE = new RegExp(`\\b(${NAMES.filter((name) => /[A-Z]/.test(name)).join('|')})\\b`, 'g');
const FIRST = new RegExp(`^(${NAMES.join('|')})(?= (?:must|has|of) )`);

/** `message` as `command` says it. What stands in quotes stays. */
export function withFlags(message: string, command: string): string {
  const flag = (name: string): string => OWN[command]?.[name] ?? FLAGS[name]!;
  return message
    .split(/("[^"]*")/)
    .map((piece, i) => {
      if (i % 2 === 1) return piece;
      return (i === 0 ? piece.replace(FIRST, flag) : piece)
        .replace(UNMISTAKABLE, flag)
        .replace(/\b\w+\(\)/g, (call) => CALLS[call] ?? call);
    })
    .join('');
}
