// The vectors of llama.cpp's vocabularies and the prompts of the tiny models: every id must be the same.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Metadata } from '../../src/gguf/metadata.ts';
import { bytesSource } from '../../src/gguf/memory-source.ts';
import { readGguf } from '../../src/gguf/reader.ts';
import { createTokenizer } from '../../src/tokenizer/tokenizer.ts';
import { fixture, fixturesDir } from '../support/fixtures.ts';
import { realModel } from '../support/real-models.ts';

const VOCABULARIES = [
  'bert-bge', 'deepseek-coder', 'deepseek-llm', 'falcon', 'gpt-2', 'llama-spm', 'mpt', 'phi-3', 'refact', 'starcoder',
];

interface Case {
  readonly name: string;
  readonly text: string;
  readonly ids: readonly number[];
}

async function metadataOf(file: string): Promise<Metadata> {
  return (await readGguf(bytesSource(readFileSync(file), file))).metadata;
}

function vectors(name: string): Case[] {
  const base = fixture('tokenizers', `ggml-vocab-${name}.gguf`);
  const texts = readFileSync(`${base}.inp`, 'utf8').split('\n__ggml_vocab_test__\n');
  const lines = readFileSync(`${base}.out`, 'utf8').split('\n');
  return texts.map((text, i) => ({ name: `${i}`, text, ids: (lines[i]!.match(/\d+/g) ?? []).map(Number) }));
}

function expectVectors(metadata: Metadata, name: string): void {
  const tokenizer = createTokenizer(metadata);
  for (const { text, ids } of vectors(name)) {
    expect(tokenizer.encode(text, { addSpecial: false }), JSON.stringify(text)).toEqual(ids);
    if (tokenizer.kind !== 'wordpiece') expect(tokenizer.decode(ids)).toBe(text);
  }
}

describe.skipIf(!fixturesDir())('reference vocabularies', () => {
  it.each(VOCABULARIES)('%s: ids and round trip are exact', async (name) => {
    expectVectors(await metadataOf(fixture('tokenizers', `ggml-vocab-${name}.gguf`)), name);
  });

  it('every tiny model tokenizes its prompt as llama.cpp does, special tokens added', async () => {
    const { cases } = JSON.parse(readFileSync(fixture('arch', 'manifest.json'), 'utf8')) as
      { cases: (Case & { file?: string; shards?: string[] })[] };
    expect(cases.length).toBeGreaterThan(60);
    for (const { name, file, shards, text, ids } of cases) {
      const tokenizer = createTokenizer(await metadataOf(fixture('arch', file ?? shards![0]!)));
      expect(tokenizer.encode(text), name).toEqual(ids);
    }
  });
});

const smollm = fixturesDir() && await realModel('smollm2');

describe.skipIf(!smollm)('SmolLM2', () => {
  it('ids and round trip are exact', async () => {
    expectVectors(await metadataOf(smollm!), 'smollm');
  });
});
