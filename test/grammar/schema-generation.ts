// Random schemas, a tiny random model, and an independent validator: whatever is generated to its end is valid.
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import { expect } from 'vitest';
import { Engine } from '../../src/index.ts';
import { caseFile } from '../support/architecture-cases.ts';
import { randomSchema } from './random-schemas.ts';

const addFormats = addFormatsModule as unknown as (ajv: Ajv2020) => void;
const MAX_TOKENS = 900;

/** Generates by `count` schemas from seed `first` on; returns how many texts came to their end. */
export async function validateGenerations(first: number, count: number): Promise<number> {
  const engine = await Engine.load(caseFile('llama-tied.gguf'), { threads: 1, contextLength: 1024, prefixCacheBytes: 0 });
  let finished = 0;
  try {
    for (let seed = first; seed < first + count; seed++) {
      const schema = randomSchema(seed);
      const ajv = new Ajv2020({ strict: false, allErrors: true });
      addFormats(ajv);
      const validate = ajv.compile(schema);
      const { text, finishReason } = await engine.complete([5, 6, 7], { jsonSchema: schema, temperature: 1, topK: seed % 2 ? 40 : 0, seed, maxTokens: MAX_TOKENS });
      if (finishReason !== 'stop') continue;
      finished++;
      expect(validate(JSON.parse(text)), `${JSON.stringify(schema)} ${text} ${JSON.stringify(validate.errors)}`).toBe(true);
    }
  } finally {
    await engine.dispose();
  }
  return finished;
}
