// clawdbot run: one prompt, one answer (or several), streamed as text or whole as JSON.
import type { ChatMessage } from '../../chat/messages.ts';
import type { Completion, FinishReason, GenerateOptions, GenerateTimings, Prompt } from '../../engine/types.ts';
import { UnsupportedModelError } from '../../errors.ts';
import { command } from '../command.ts';
import type { CliEngine, Surroundings } from '../command.ts';
import { withDefaultModelChat } from '../default-model.ts';
import { forTerminal } from '../format.ts';
import { withoutFinalNewline } from '../input.ts';
import { GRAMMAR, grammarFrom } from '../grammar-options.ts';
import { warnOfFallbackTemplate, withEngine } from '../load.ts';
import { flag, integer, integers, text, texts } from '../options.ts';
import type { Values } from '../options.ts';
import { print, printJson, readInput } from '../output.ts';
import { UsageError } from '../parse-arguments.ts';
import { CONTEXT_POLICY, DEFAULT_MAX_TOKENS, EVERYWHERE, ENGINE, JSON_OUTPUT, MODEL, SAMPLING, samplingFrom } from '../shared-options.ts';
import { SPECULATION, speculationFrom } from '../speculation-options.ts';
import { statsLine } from '../stats.ts';

const OPTIONS = {
  ...MODEL,
  prompt: text({ short: 'p', help: 'Text to continue as it is, without chat template' }),
  ids: integers({ min: 0 }, { value: 'ID,…', help: 'Token ids to continue' }),
  system: text({ short: 's', help: 'System message before the prompt' }),
  chat: flag({ help: 'Put --prompt through the chat template' }),
  raw: flag({ help: 'Continue PROMPT as it is, without chat template' }),
  parseSpecial: flag({ help: 'Special tokens written in a raw prompt become tokens' }),
  maxTokens: integer({ min: 1 }, { short: 'n', help: `New tokens at most (${DEFAULT_MAX_TOKENS})` }),
  stop: texts({ help: 'Stop before this text (no ids); it is not printed. Repeatable' }),
  ignoreEos: flag({ help: 'Generate on past the end-of-text tokens' }),
  samples: integer({ min: 1, max: 128 }, { help: 'Answers to the same prompt (1)' }),
  logprobs: integer({ min: 0, max: 1000 }, { help: 'With --json: log-probabilities of each token and of K others' }),
  ...CONTEXT_POLICY,
  ...SAMPLING,
  ...SPECULATION,
  ...GRAMMAR,
  stats: flag({ help: 'Print speeds on stderr, also where it is no terminal' }),
  ...JSON_OUTPUT,
  ...ENGINE,
  ...EVERYWHERE,
};
type RunValues = Values<typeof OPTIONS>;

export const run = command({
  name: 'run',
  summary: 'Answer one prompt',
  usage: 'PROMPT [OPTIONS]',
  notes: `PROMPT goes through the model's chat template where it has one; "-" reads it from standard input.
--prompt and --ids are continued as they are. The default model is asked greedily, with a plain system message; --temp
and --system change that.`,
  examples: [
    'clawdbot run "What is the capital of France?"',
    'clawdbot run --model gemma3-270m --prompt "Once upon a time" -n 64 --temp 0.7 --seed 1',
    'git diff | clawdbot run --system "Summarize this change in one line." -',
    'clawdbot run -m model.gguf --ids 1,15043 --temp 0 -n 48 --ignore-eos --json',
  ],
  options: OPTIONS,
  async run({ options: stated, positionals }, surroundings) {
    const given = await givenPrompt(stated, positionals, surroundings);
    const grammar = await grammarFrom(stated, surroundings.signal);
    const options = given.mode === 'raw' ? stated : withDefaultModelChat(stated);
    await withEngine(options, surroundings, async (engine) => {
      const prompt = promptFor(given, options, engine);
      if (isChat(prompt)) warnOfFallbackTemplate(engine, surroundings);
      else if (given.mode === 'auto') noteOfContinuation(surroundings);
      if (options.temperature === 0 && stated.temperature === undefined) noteOfGreed(stated, surroundings);
      const settings = { ...generateOptions(options, surroundings.signal), ...grammar };
      if (options.json) await answerAsJson(engine, prompt, settings, surroundings);
      else if ((options.samples ?? 1) > 1) await answerSeveral(engine, prompt, settings, options, surroundings);
      else await answerAsText(engine, prompt, settings, options, surroundings);
    });
  },
});

interface GivenPrompt {
  readonly content: string | readonly number[];
  /** Chat where the model has a template, chat in any case, or neither. */
  readonly mode: 'auto' | 'chat' | 'raw';
}

async function givenPrompt(
  options: RunValues,
  positionals: readonly string[],
  surroundings: Surroundings,
): Promise<GivenPrompt> {
  const positional = positionals.length > 0 ? positionals.join(' ') : undefined;
  if ([options.prompt, options.ids, positional].filter((value) => value !== undefined).length !== 1) {
    throw new UsageError(
      'Give one prompt: clawdbot run "Your question", or --prompt TEXT, or --ids 1,2,3, or - for standard input.',
    );
  }
  if (options.chat && options.raw) throw new UsageError('--chat and --raw contradict each other.');
  if (options.logprobs !== undefined && !options.json) throw new UsageError('--logprobs are shown with --json only.');
  const templated = options.chat || options.system !== undefined;
  if (options.ids) {
    if (templated) throw new UsageError('--ids are continued as they are: --chat and --system do not go with them.');
    return { content: options.ids, mode: 'raw' };
  }
  if (options.raw && templated) throw new UsageError('--system needs the chat template, which --raw leaves out.');
  const content =
    options.prompt ?? (positional === '-' ? withoutFinalNewline(await readInput(surroundings)) : positional!);
  const mode = templated ? 'chat' : options.raw || options.prompt !== undefined ? 'raw' : 'auto';
  if (mode !== 'raw' && content.trim() === '') {
    throw new UsageError(`The prompt is empty${positional === '-' ? ': standard input has no text' : ''}. Give a question: clawdbot run "What is a monad?"`);
  }
  return { content, mode };
}

function promptFor({ content, mode }: GivenPrompt, options: RunValues, { model }: CliEngine): Prompt {
  if (model.kind === 'encoder') {
    throw new UnsupportedModelError(
      `${model.name} is an encoder (${model.architecture}) and cannot generate. Use clawdbot embed.`,
    );
  }
  if (typeof content !== 'string' || mode === 'raw' || (mode === 'auto' && !model.hasChatTemplate)) return content;
  const system: ChatMessage[] = options.system === undefined ? [] : [{ role: 'system', content: options.system }];
  return [...system, { role: 'user', content }];
}

function noteOfContinuation({ stderr }: Surroundings): void {
  stderr.write(
    'note: the model has no chat template, so it continues the prompt as text; --chat makes it a conversation\n',
  );
}

/** Chance was asked for, and the default model's temperature leaves none. */
function noteOfGreed({ seed, samples = 1 }: RunValues, { stderr }: Surroundings): void {
  if (seed === undefined && samples === 1) return;
  stderr.write('note: this model is asked greedily, so every answer is the same; --temp 0.8 makes them differ\n');
}

function isChat(prompt: Prompt): boolean {
  return typeof prompt !== 'string' && typeof prompt[0] === 'object';
}

function generateOptions(options: RunValues, signal: AbortSignal): GenerateOptions & { readonly seed: number } {
  return {
    ...samplingFrom(options),
    seed: options.seed ?? Math.floor(Math.random() * 2 ** 32),
    maxTokens: options.maxTokens ?? DEFAULT_MAX_TOKENS,
    contextPolicy: options.contextPolicy,
    stop: options.stop,
    ignoreEos: options.ignoreEos,
    n: options.samples,
    logprobs: options.logprobs,
    parseSpecial: options.parseSpecial,
    speculation: speculationFrom(options),
    signal,
  };
}

async function answerAsJson(
  engine: CliEngine,
  prompt: Prompt,
  settings: GenerateOptions,
  { stdout }: Surroundings,
): Promise<void> {
  const { promptIds, ids, text, finishReason, timings, seed, choices } = await engine.complete(prompt, settings);
  const { ttftMs, prefillTokensPerSecond, decodeTokensPerSecond, draftTokens, acceptedDraftTokens } = timings;
  const drafts = settings.speculation && { draftTokens, acceptedDraftTokens };
  const { loadMs, name } = engine.model;
  await printJson(stdout, {
    promptIds,
    ids,
    text,
    finishReason,
    timings: { loadMs, ttftMs, prefillTokensPerSecond, decodeTokensPerSecond, ...drafts },
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    seed,
    model: name,
    ...(settings.logprobs !== undefined && { logprobs: choices[0].logprobs }),
    ...(choices.length > 1 && { choices }),
  });
}

async function answerAsText(
  engine: CliEngine,
  prompt: Prompt,
  settings: GenerateOptions,
  options: RunValues,
  { stdout, stderr }: Surroundings,
): Promise<void> {
  let timings: GenerateTimings | undefined;
  let endsLine = true;
  let finishReason: FinishReason | undefined;
  try {
    for await (const chunk of engine.generate(prompt, settings)) {
      const shown = stdout.isTTY ? forTerminal(chunk.text) : chunk.text;
      if (shown !== '') {
        await print(stdout, shown);
        endsLine = shown.endsWith('\n');
      }
      ({ timings, finishReason } = chunk);
    }
  } finally {
    if (!endsLine) await print(stdout, '\n');
  }
  if (finishReason === 'length' && options.maxTokens === undefined) {
    stderr.write('(The answer was cut off where its tokens or the context ended; -n and -c allow more.)\n');
  }
  if (timings && (options.stats || stderr.isTTY)) stderr.write(statsLine(timings, engine.model, seedOf(settings)));
}

async function answerSeveral(
  engine: CliEngine,
  prompt: Prompt,
  settings: GenerateOptions,
  options: RunValues,
  { stdout, stderr }: Surroundings,
): Promise<void> {
  const completion: Completion = await engine.complete(prompt, settings);
  for (const { index, text: answer } of completion.choices) {
    await print(stdout, `--- ${index + 1} ---\n${stdout.isTTY ? forTerminal(answer) : answer}\n`);
  }
  if (options.stats || stderr.isTTY) stderr.write(statsLine(completion.timings, engine.model, seedOf(settings)));
}

/** Greedily, no seed matters. */
function seedOf({ temperature, seed }: GenerateOptions): number | undefined {
  return temperature === 0 ? undefined : seed;
}
