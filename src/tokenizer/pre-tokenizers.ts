// The table of pre-tokenizers by `tokenizer.ggml.pre`: how byte-level BPE cuts text into words, and what else a name
// implies. Expressions are those of the models' own tokenizer.json, names and grouping llama.cpp's (llama-vocab.cpp).
import { UnsupportedModelError } from '../errors.ts';

export interface PreTokenizer {
  readonly expressions: readonly RegExp[];
  /** A word that is a token as a whole is not merged. */
  readonly ignoreMerges: boolean;
  /** Whether BOS is added where the metadata does not say. */
  readonly addBos: boolean;
}

interface Rule {
  readonly names: readonly string[];
  readonly expressions: readonly string[];
  readonly ignoreMerges?: boolean;
  readonly addBos?: boolean;
}

/** What `pre` is taken for where the metadata has none, as in llama.cpp. */
const DEFAULT_NAME = 'default';

// Unicode's White_Space, which JavaScript's \s is not (U+0085 is in, U+FEFF is out).
const S = String.raw`\p{White_Space}`;
const NOT_S = String.raw`\P{White_Space}`;
const SPACES = `${S}+(?!${NOT_S})|${S}+`;
const LINES = String.raw`${S}*[\r\n]+`;
const OTHERS = String.raw` ?[^${S}\p{L}\p{N}]+`;
const LETTERS = String.raw`[^\r\n\p{L}\p{N}]?\p{L}+`;
const CONTRACTION = `'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])`;
const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
/** Words that break where a lower-case letter meets an upper-case one. */
const casedWords = (upper: string, lower: string, ending: string): string =>
  String.raw`[^\r\n\p{L}\p{N}]?${upper}*${lower}+${ending}|[^\r\n\p{L}\p{N}]?${upper}+${lower}*${ending}`;

const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+|${OTHERS}|${SPACES}`;
/** The expression of cl100k and its heirs; they differ in how many digits make a word. */
const cl100k = (digits: string): string =>
  String.raw`${CONTRACTION}|${LETTERS}|${digits}|${OTHERS}[\r\n]*|${LINES}|${SPACES}`;
const LLAMA3 = cl100k(String.raw`\p{N}{1,3}`);
const QWEN2 = cl100k(String.raw`\p{N}`);
const THREE_DIGITS = '[0-9][0-9][0-9]';
const CJK = String.raw`[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+`;
const DEEPSEEK_CJK = String.raw`[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+`;
const DEEPSEEK_MARKS = String.raw`[!-\/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+`;
const DEEPSEEK_V3 = String.raw`[!"#$%&'()*+,\-./:;<=>?@[\\\]^_\x60{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+` +
  String.raw`| ?[\p{P}\p{S}]+[\r\n]*|${LINES}|${SPACES}`;
/** The cased letters as deepseek-llm's tokenizer lists them: ranges of code points in hexadecimal. */
const DEEPSEEK_LETTERS = codePoints(
  '41-5a 61-7a b5 c0-d6 d8-f6 f8-1ba 1bc-1bf 1c4-293 295-2af 370-373 376-377 37b-37d 37f 386 388-38a 38c 38e-3a1 ' +
  '3a3-3f5 3f7-481 48a-52f 531-556 10a0-10c5 13a0-13f5 13f8-13fd 1c90-1cba 1cbd-1cbf 1d00-1d2b 1d6b-1d77 1d79-1d9a ' +
  '1e00-1f15 1f18-1f1d 1f20-1f45 1f48-1f4d 1f50-1f57 1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4 1fb6-1fbc 1fbe 1fc2-1fc4 ' +
  '1fc6-1fcc 1fd0-1fd3 1fd6-1fdb 1fe0-1fec 1ff2-1ff4 1ff6-1ffc 2102 2107 210a-2113 2115 2119-211d 2124 2126 2128 ' +
  '212a-212d 212f-2134 2139 213c-213f 2145-2149 214e 2183-2184 2c00-2c7b 2c7e-2ce4 2ceb-2cee 2cf2-2cf3 a640-a66d ' +
  'a680-a69b a722-a76f a771-a787 a78b-a78e ab70-abbf fb00-fb06 fb13-fb17 ff21-ff3a ff41-ff5a 10400-1044f ' +
  '104b0-104d3 104d8-104fb 10c80-10cb2 10cc0-10cf2 118a0-118df 1e900-1e943',
);
const SENTENCE_PARTS = String.raw` ?[^(${S}|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+`;
const NOT_HAN = String.raw`(?!\p{Script=Han})`;

const RULES: readonly Rule[] = [
  {
    names: [DEFAULT_NAME],
    expressions: [String.raw`[\p{P}$+<=>^~|]+`, GPT2, String.raw`\p{N}+`, THREE_DIGITS],
  },
  {
    names: [
      'gpt-2', 'gpt-neox', 'phi-2', 'mpt', 'olmo', 'jais', 'trillion', 'granite-docling', 'exaone4', 'gigachat',
      'a.x-4.0', 'mellum', 'modern-bert', 'roberta-bpe', 'jina-es', 'jina-de', 'jina-v2-es', 'jina-v2-de',
      'jina-v1-en', 'jina-v2-code',
    ],
    expressions: [GPT2],
  },
  {
    names: ['smollm', 'starcoder', 'refact', 'command-r', 'codeshell', 'exaone', 'minerva-7b', 'mellum2'],
    expressions: [String.raw`\p{N}`, GPT2],
  },
  {
    names: ['llama-bpe', 'llama3', 'llama-v3', 'falcon3', 'falcon-h1', 'pixtral', 'midm-2.0', 'lfm2', 'jina-v5-nano'],
    expressions: [LLAMA3], ignoreMerges: true, addBos: true,
  },
  { names: ['dbrx', 'smaug-bpe', 'chatglm-bpe', 'glm4'], expressions: [LLAMA3] },
  {
    names: ['qwen2', 'deepseek-r1-qwen', 'stablelm2', 'hunyuan', 'megrez', 'solar-open', 'grok-2', 'kormo', 'f2llmv2'],
    expressions: [QWEN2],
  },
  {
    names: ['qwen35'],
    expressions: [
      String.raw`${CONTRACTION}|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}` +
        String.raw`| ?[^${S}\p{L}\p{M}\p{N}]+[\r\n]*|${LINES}|${SPACES}`,
    ],
  },
  {
    names: ['seed-coder'],
    expressions: [String.raw`${CONTRACTION}|${LETTERS}|\p{N}| ?[^${S}\p{L}\p{N}\r\n]+|${LINES}|${SPACES}`],
  },
  {
    names: ['bailingmoe', 'bailingmoe2', 'llada-moe'],
    expressions: [String.raw`${CONTRACTION}|${LETTERS}|\p{N}|${OTHERS}[\r\n]*|${S}*[\r\n]|${SPACES}`],
  },
  { names: ['laguna'], expressions: [String.raw`[^\n]+|\n+`, QWEN2] },
  { names: ['minicpm5'], expressions: [String.raw`\p{N}{1,3}`, cl100k(String.raw`\p{N}+`)], ignoreMerges: true },
  {
    names: ['gpt-4o', 'llama4', 'kanana2', 'minimax-m2'],
    expressions: [
      String.raw`${casedWords(UPPER, LOWER, `(?:${CONTRACTION})?`)}|\p{N}{1,3}|${OTHERS}[\r\n/]*|${LINES}|${SPACES}`,
    ],
  },
  {
    names: ['tekken'],
    expressions: [String.raw`${casedWords(UPPER, LOWER, '')}|\p{N}|${OTHERS}[\r\n/]*|${LINES}|${SPACES}`],
    ignoreMerges: true, addBos: true,
  },
  {
    names: ['kimi-k2'],
    expressions: [
      String.raw`\p{Script=Han}+|` +
        casedWords(`(?:${NOT_HAN}${UPPER})`, `(?:${NOT_HAN}${LOWER})`, `(?:${CONTRACTION})?`) +
        String.raw`|\p{N}{1,3}|${OTHERS}[\r\n]*|${LINES}|${SPACES}`,
    ],
  },
  {
    names: ['deepseek-llm'],
    expressions: [
      String.raw`[\r\n]`, `${S}?[${DEEPSEEK_LETTERS}]+`, `${S}?${DEEPSEEK_MARKS}`,
      // The look-behind changes nothing in what matches; without it a long run of spaces takes quadratic time.
      `(?<!${S})${S}+$`, DEEPSEEK_CJK, String.raw`\p{N}+`,
    ],
  },
  {
    names: ['deepseek-coder'],
    expressions: [
      String.raw`[\r\n]`, String.raw`${S}?\p{L}+`, String.raw`${S}?\p{P}+`, DEEPSEEK_CJK, String.raw`\p{N}`,
    ],
  },
  { names: ['deepseek-v3', 'hunyuan-dense', 'joyai-llm'], expressions: [String.raw`\p{N}{1,3}`, CJK, DEEPSEEK_V3] },
  { names: ['falcon'], expressions: [String.raw`[\p{P}$+<=>^~|\x60]+`, GPT2, THREE_DIGITS] },
  { names: ['poro-chat', 'bloom', 'gpt3-finnish'], expressions: [SENTENCE_PARTS] },
  { names: ['viking'], expressions: [SENTENCE_PARTS, String.raw`\p{N}`] },
  {
    names: ['chameleon'],
    expressions: [
      '<sentinel:[0-9]+>', 'IMGIMG[A-I]{1,4}Z', String.raw`[\t\n]|    |  `, String.raw`\p{N}`,
      String.raw`[\p{P}!-/:-@[-\x60{-~]`, GPT2,
    ],
    addBos: true,
  },
];

const RULE_BY_NAME = new Map(RULES.flatMap((rule) => rule.names.map((name) => [name, rule] as const)));

/**
 * The pre-tokenizer called `name`; none means "default". An unknown name is an UnsupportedModelError, or the default
 * one where `allowUnknown`: text is then cut more or less wrongly and the model answers worse.
 */
export function preTokenizer(name: string | undefined, allowUnknown: boolean): PreTokenizer {
  const rule = RULE_BY_NAME.get(name || DEFAULT_NAME) ?? (allowUnknown ? RULE_BY_NAME.get(DEFAULT_NAME) : undefined);
  if (!rule) {
    throw new UnsupportedModelError(
      `The pre-tokenizer "${name!.slice(0, 80)}" (tokenizer.ggml.pre) is not supported. Update this package, or pass ` +
        'allowUnknownPreTokenizer to use the default one, with worse answers.',
    );
  }
  return {
    expressions: rule.expressions.map((source) => new RegExp(source, 'gu')),
    ignoreMerges: rule.ignoreMerges ?? false,
    addBos: rule.addBos ?? false,
  };
}

/** '41-5a b5' as the inside of a character class. */
function codePoints(ranges: string): string {
  return ranges.replace(/[0-9a-f]+/g, String.raw`\u{$&}`).replaceAll(' ', '');
}
