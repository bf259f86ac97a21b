// The grammar that generate's options ask for, compiled on the caller's thread, so that what is wrong with it is said before any work.
import type { ToolFormat } from '../chat/tool-format.ts';
import { GrammarError, InvalidArgumentError } from '../errors.ts';
import { parseGbnf } from '../grammar/gbnf.ts';
import { LIMITS } from '../grammar/limits.ts';
import { jsonObjectRules, schemaRules } from '../grammar/schema/compile.ts';
import type { Steps } from '../steps.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { Compilations } from './compilations.ts';
import type { CompiledGrammar, GrammarSource } from './compilations.ts';
import { describe } from './sampler/options.ts';
import { toolRules } from './tools/tool-grammar.ts';
import type { CheckedTools } from './tools/tool-options.ts';
import type { GenerateOptions } from './types.ts';

export type { CompiledGrammar } from './compilations.ts';

const compiled = new WeakMap<Tokenizer, Compilations>();

/** Throws InvalidArgumentError for options of the wrong form, GrammarError for a grammar that cannot be enforced. */
export function* grammarOf(
  options: GenerateOptions, tokenizer: Tokenizer, format: ToolFormat, called: CheckedTools | undefined,
): Steps<CompiledGrammar | undefined> {
  const tokenId = (spelling: string): number | undefined => {
    const ids = tokenizer.encode(spelling, { addSpecial: false, parseSpecial: true });
    return ids.length === 1 ? ids[0] : undefined;
  };
  const answer = answerSource(options, tokenId);
  const source = called ? withCalls(called, format, tokenizer, tokenId, answer) : answer;
  return source && (yield* remembered(tokenizer, source));
}

function withCalls(
  called: CheckedTools, format: ToolFormat, tokenizer: Tokenizer, tokenId: TokenId, answer: GrammarSource | undefined,
): GrammarSource {
  const tools = called.tools.map(({ function: { name, parameters } }) => [name, parameters]);
  return {
    key: `tools:${asJson(tools, 'tools')}:${called.isRequired}:${called.isParallel}:${answer?.key ?? ''}`,
    *rules() {
      return yield* toolRules(called, format, { tokenId, ids: controlIds(tokenizer) }, answer && (yield* answer.rules()));
    },
  };
}

function controlIds(tokenizer: Tokenizer): number[] {
  const ids = Array.from({ length: tokenizer.vocabSize }, (_, id) => id);
  return ids.filter((id) => tokenizer.isControl(id) && !tokenizer.endIds.has(id));
}

type TokenId = (spelling: string) => number | undefined;

function answerSource({ grammar, jsonSchema, json }: GenerateOptions, tokenId: TokenId): GrammarSource | undefined {
  if (json !== undefined && typeof json !== 'boolean') throw new InvalidArgumentError(`json must be true or false, not ${describe(json)}.`);
  if ([grammar, jsonSchema, json || undefined].filter((given) => given !== undefined).length > 1) {
    throw new InvalidArgumentError('Give one of grammar, jsonSchema and json: a text follows one grammar.');
  }
  if (json) return { key: 'json', rules: jsonObjectRules };
  if (jsonSchema !== undefined) {
    if (typeof jsonSchema !== 'object' && typeof jsonSchema !== 'boolean') {
      throw new InvalidArgumentError(`jsonSchema must be an object or a boolean, not ${describe(jsonSchema)}.`);
    }
    const written = asJson(jsonSchema, 'jsonSchema');
    return { key: `schema:${written}`, rules: () => schemaRules(JSON.parse(written)) };
  }
  if (grammar === undefined) return undefined;
  if (typeof grammar !== 'string') throw new InvalidArgumentError(`grammar must be GBNF text, not ${describe(grammar)}.`);
  return { key: `gbnf:${grammar}`, rules: () => parseGbnf(grammar, { tokenId }) };
}

/** The schema's JSON, which is what counts: an object of classes and functions may say something else. */
function asJson(schema: unknown, option: string): string {
  let written: string | undefined;
  try {
    written = JSON.stringify(schema);
  } catch (cause) {
    throw new InvalidArgumentError(`${option} must be JSON; it refers to itself or nests too deep.`, { cause });
  }
  if (written === undefined) throw new InvalidArgumentError(`${option} must be JSON, not ${describe(schema)}.`);
  if (written.length <= LIMITS.textLength) return written;
  throw new GrammarError(`The schema has ${written.length} UTF-16 units; at most ${LIMITS.textLength} are allowed.`, { pointer: '' });
}

/** From what was compiled, or is being compiled for another request, or anew. */
function* remembered(tokenizer: Tokenizer, source: GrammarSource): Steps<CompiledGrammar> {
  let known = compiled.get(tokenizer);
  if (!known) compiled.set(tokenizer, (known = new Compilations()));
  return yield* known.get(source);
}
