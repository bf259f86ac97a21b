// Chooses the chat template of a model: its own, or a stated fallback with a warning.
import type { Metadata } from '../gguf/metadata.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

export interface ChosenTemplate {
  readonly source: string;
  readonly bosToken?: string;
  readonly eosToken?: string;
  /** Texts of every control and other special token: what user content must never spell. */
  readonly specialTokens: readonly string[];
  /** Set where the model brings no template of its own. */
  readonly warning?: string;
}

const CHATML = `{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' }}\
{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}{{ part.text }}\
{% endfor %}{% endif %}{{ '<|im_end|>\\n' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}`;

const PLAIN = `{% for message in messages %}{{ message.role | capitalize }}{{ ': ' }}\
{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}{{ part.text }}\
{% endfor %}{% endif %}{{ '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}`;

/** The model's own template where it has one, else ChatML where the vocabulary knows it, else "User: …". */
export function chooseTemplate(metadata: Metadata, tokenizer: Tokenizer): ChosenTemplate {
  const specialTokens = specialTexts(tokenizer);
  const bosToken = tokenizer.bosId === undefined ? undefined : tokenizer.tokenText(tokenizer.bosId);
  const eosToken = tokenizer.eosId === undefined ? undefined : tokenizer.tokenText(tokenizer.eosId);
  const surroundings = {
    specialTokens,
    ...(bosToken === undefined ? {} : { bosToken }),
    ...(eosToken === undefined ? {} : { eosToken }),
  };
  const own = metadata.string('tokenizer.chat_template');
  if (own !== undefined && own.trim() !== '') return { source: own, ...surroundings };
  if (specialTokens.includes('<|im_start|>')) {
    return { source: CHATML, ...surroundings, warning: missing('ChatML, whose markers its vocabulary has') };
  }
  return { source: PLAIN, ...surroundings, warning: missing('plain "User: …" and "Assistant: …" lines') };
}

function missing(used: string): string {
  return `The model has no chat template (tokenizer.chat_template). Conversations are written as ${used}; ` +
    'a base model may not follow them.';
}

function specialTexts(tokenizer: Tokenizer): string[] {
  const texts = new Set<string>();
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    if (!tokenizer.isSpecial(id) && !tokenizer.isControl(id)) continue;
    const text = tokenizer.tokenText(id);
    if (text !== '') texts.add(text);
  }
  return [...texts];
}
