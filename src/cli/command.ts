// What a command is, and the surroundings that are handed to it: streams, environment, a way to load engines.
import type { Engine } from '../engine/engine.ts';
import type { LoadOptions, ModelSource } from '../engine/load/load-types.ts';
import type { Arguments } from './parse-arguments.ts';
import type { Options } from './options.ts';

/** An engine as commands see it. */
export type CliEngine = Pick<
  Engine,
  | 'model'
  | 'tokenizer'
  | 'generate'
  | 'complete'
  | 'promptIds'
  | 'renderChat'
  | 'embed'
  | 'tokenize'
  | 'tokenizeAsync'
  | 'detokenize'
  | 'score'
  | 'stats'
  | 'saveSession'
  | 'loadSession'
  | 'dispose'
>;

export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string, written?: () => void): boolean;
}

export interface Surroundings {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C, unless a command listens to it itself. */
  readonly signal: AbortSignal;
  /** Takes over Ctrl-C until the returned function is called. */
  onInterrupt(listener: () => void): () => void;
  /** Hears of SIGTERM until the returned function is called; without a listener it ends the process as usual. */
  onTerminate(listener: () => void): () => void;
  /** From now on the command goes on when whoever reads its output goes away, which ends it otherwise. */
  outliveReaders(): void;
  loadEngine(source: ModelSource, options: LoadOptions): Promise<CliEngine>;
}

/** Ctrl-C: the command ends, nothing is wrong. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export interface Command<O extends Options = Options> {
  readonly name: string;
  readonly summary: string;
  /** What follows "clawdbot name". */
  readonly usage: string;
  /** Further sentences of the help. */
  readonly notes?: string;
  readonly examples: readonly string[];
  readonly options: O;
  run(given: Arguments<O>, surroundings: Surroundings): Promise<void>;
}

/** Types a command's `run` by its options. */
export function command<O extends Options>(definition: Command<O>): Command {
  return definition as unknown as Command;
}
