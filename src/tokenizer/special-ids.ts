// Which tokens mean something to whoever runs the model: BOS, EOS, end of turn …, from metadata, defaults and spelling.
import { TokenizerError } from '../errors.ts';
import type { Metadata } from '../gguf/metadata.ts';
import { TOKEN_KIND } from './vocabulary.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface SpecialIds {
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** End of a turn in a conversation. */
  readonly eotId: number | undefined;
  readonly unkId: number | undefined;
  readonly sepId: number | undefined;
  readonly padId: number | undefined;
  readonly clsId: number | undefined;
  /** Every token that ends generation. */
  readonly endIds: ReadonlySet<number>;
}

/** Ids a model has where the metadata is silent; only taken where they lie in the vocabulary. */
export type DefaultIds = Partial<Record<'bos' | 'eos' | 'unk' | 'sep' | 'pad', number>>;

/** Spellings that end a turn, the more telling first (llama.cpp's list). */
const END_OF_TURN = [
  '<|eot_id|>', '<|im_end|>', '<|end|>', '<end_of_turn>', '<end_of_utterance>', '<EOT>', '_<EOT>', '[EOT]',
  '<|endoftext|>', '<|end_of_text|>', '<｜end▁of▁sentence｜>',
];
/** Further spellings that end generation. */
const ENDS = [
  '<|eom_id|>', '<|return|>', '<|call|>', '<|calls|>', '<|flush|>', '</s>', '[EOS]', '<eos>', '<turn|>',
  '<|tool_response>', '[e~[',
];
/** Padding, repository and file marks of fill-in-the-middle: a completion is over when it reaches one. */
const FILL_MARKS = [
  '<|fim_pad|>', '<fim-pad>', '<fim_pad>', '<PAD>', '[PAD]', '<|fim_repo|>', '<|repo_name|>', '<fim-repo>', '<REPO>',
  '<reponame>', '<|file_sep|>',
];
const NO_ID = 0xffffffff;

/** Reads the special ids. One outside the vocabulary is a TokenizerError, save for padding: nothing depends on it. */
export function readSpecialIds(metadata: Metadata, vocabulary: Vocabulary, defaults: DefaultIds): SpecialIds {
  const read = (key: string): number | undefined => readId(metadata, vocabulary, `tokenizer.ggml.${key}_token_id`);
  const inside = (id: number | undefined): number | undefined =>
    (id !== undefined && id < vocabulary.size ? id : undefined);
  const eosId = read('eos') ?? inside(defaults.eos);
  const listedEot = read('eot');
  const spelled = (spellings: readonly string[]): number[] =>
    spellings.map((text) => vocabulary.idOf(text)).filter((id) => id !== undefined);
  const turnEnds = spelled(END_OF_TURN);
  const endIds = new Set([
    ...turnEnds, ...spelled(ENDS), ...spelled(FILL_MARKS),
    ...[eosId, listedEot, ...['eom', 'fim_pad', 'fim_rep', 'fim_sep'].map(read)].filter((id) => id !== undefined),
  ]);
  for (const id of endIds) vocabulary.kinds[id]! |= TOKEN_KIND.control;
  dropFalseEnds(vocabulary, endIds, eosId);
  return {
    bosId: read('bos') ?? inside(defaults.bos),
    eosId,
    eotId: listedEot ?? turnEnds.find((id) => endIds.has(id)),
    unkId: read('unknown') ?? inside(defaults.unk),
    sepId: read('seperator') ?? inside(defaults.sep),
    padId: readId(metadata, vocabulary, 'tokenizer.ggml.padding_token_id', true) ?? inside(defaults.pad),
    clsId: read('cls'),
    endIds,
  };
}

/** In some vocabularies an ending of other models is a mark inside a reply. */
function dropFalseEnds(vocabulary: Vocabulary, endIds: Set<number>, eosId: number | undefined): void {
  const ends = (text: string): boolean => endIds.has(vocabulary.idOf(text) ?? -1);
  const drop = (text: string): void => {
    const id = vocabulary.idOf(text);
    if (id !== undefined && id !== eosId) endIds.delete(id);
  };
  const calls = ends('<|call|>') || ends('<|calls|>');
  if (calls && (ends('<|return|>') || ends('<|flush|>'))) drop('<|end|>');
  if (ends('<|tool_response>')) drop('</s>');
}

function readId(metadata: Metadata, vocabulary: Vocabulary, key: string, lenient = false): number | undefined {
  const id = metadata.number(key);
  if (id === undefined || id === NO_ID || id === -1) return undefined;
  if (Number.isInteger(id) && id >= 0 && id < vocabulary.size) return id;
  if (lenient) return undefined;
  throw new TokenizerError(
    `"${key}" is ${id} but the vocabulary has ${vocabulary.size} tokens. Fetch or convert the model again.`,
  );
}
