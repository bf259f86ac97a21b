// A vocabulary is read into few objects: with a string, an array's slot and a Map's entry for each token, Gemma's took 65 MB.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { bytesSource } from '../../src/gguf/memory-source.ts';
import { readGguf } from '../../src/gguf/reader.ts';
import { createTokenizer } from '../../src/tokenizer/tokenizer.ts';
import { FileBuilder } from '../gguf/file-builder.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const NUM_TOKENS = 100_000;

function file(): Uint8Array {
  const key = (name: string): string => `tokenizer.ggml.${name}`;
  const builder = FileBuilder.file({ entries: 3 }).key(key('model'), 'string').string('gpt2')
    .key(key('tokens'), 'array').array('string', NUM_TOKENS);
  for (let id = 0; id < NUM_TOKENS; id++) builder.string(`token ${id}`);
  builder.key(key('merges'), 'array').array('string', NUM_TOKENS);
  for (let id = 0; id < NUM_TOKENS; id++) builder.string(`token ${id}`);
  return builder.bytes();
}

it('takes no objects for each token and merge', async () => {
  const source = bytesSource(file());
  collect();
  const before = process.memoryUsage().heapUsed;
  const { metadata } = await readGguf(source);
  const tokenizer = createTokenizer(metadata, { allowUnknownPreTokenizer: true });
  tokenizer.encode('a');
  collect();
  expect(tokenizer.tokenText(NUM_TOKENS - 1)).toBe(`token ${NUM_TOKENS - 1}`);
  expect((process.memoryUsage().heapUsed - before) / NUM_TOKENS).toBeLessThan(20);
});
