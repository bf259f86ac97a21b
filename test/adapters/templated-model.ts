// A tiny random model with a chat template of our choice, so that tests see what reaches the template.
import { readFileSync } from 'node:fs';
import { readGguf } from '../../src/gguf/reader.ts';
import { bytesSource } from '../../src/gguf/memory-source.ts';
import { writeGguf } from '../../src/gguf/writer.ts';
import { inRepository } from '../support/fixtures.ts';

/** Writes all that a conversation holds, a line each. */
const TEMPLATE = `{% for m in messages %}[{{ m.role }}{% if m.name %} {{ m.name }}{% endif %}] {{ m.content }}
{% if m.reasoning_content %}<thought>{{ m.reasoning_content }}
{% endif %}{% for call in m.tool_calls or [] %}<call {{ call.id }}> {{ call.function.name }} {{ call.function.arguments | tojson }}
{% endfor %}{% if m.tool_call_id %}<result of {{ m.tool_call_id }}>
{% endif %}{% endfor %}{# {"name": …, "arguments": …} #}{% for tool in tools or [] %}<tool> {{ tool.function.name }}: {{ tool.function.parameters.type }}
{% endfor %}{% if enable_thinking is defined %}<thinking {{ enable_thinking }}>
{% endif %}`;

export async function templatedModel(template = TEMPLATE): Promise<Uint8Array> {
  const bytes = new Uint8Array(readFileSync(inRepository('test/data/arch/llama-tied.gguf')));
  const { metadata, tensors } = await readGguf(bytesSource(bytes));
  return writeGguf({
    metadata: [
      ...[...metadata.entries].filter(([key]) => key !== 'general.alignment' && key !== 'tokenizer.chat_template'),
      ['tokenizer.chat_template', template],
    ] as never,
    tensors: tensors.map(({ name, type, shape, offset, byteLength }) => ({
      name, type, shape, bytes: bytes.slice(offset, offset + byteLength),
    })),
  });
}
