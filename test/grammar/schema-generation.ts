// Random schemas, a tiny random model, and an independent validator: whatever is generated to its end is valid.
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import { expect } from 'vitest';
import { Engine } from '../../src/index.ts';
import { caseFile } from '../support/architecture-cases.ts';
import { randomSchema } from './random-schemas.ts';

const addFormats = addFormatsModule as unknown as (ajv: Ajv2020) => void;
const MAX_TOKENS = 900;

export interface GenerationCounts {
  readonly schemas: number;
  readonly generations: number;
  /** Came to their end, and are valid. */
  readonly valid: number;
  /** Were cut off after MAX_TOKENS, so that there is nothing to validate. */
  readonly cutOff: number;
}

/** Generates twice by each of `count` schemas from seed `first` on, from all tokens and from the likeliest; fails where a text is not valid. */
export async function validateGenerations(first: number, count: number): Promise<GenerationCounts> {
  const engine = await Engine.load(caseFile('llama-tied.gguf'), { threads: 1, contextLength: 1024, prefixCacheBytes: 0 });
  let [valid, cutOff] = [0, 0];
  try {
    for (let seed = first; seed < first + count; seed++) {
      const schema = randomSchema(seed);
      const ajv = new Ajv2020({ strict: false, allErrors: true, multipleOfPrecision: 8 });
      addFormats(ajv);
      const validate = ajv.compile(schema);
      for (const topK of [0, 40]) {
        const { text, finishReason } = await engine.complete([5, 6, 7], { jsonSchema: schema, temperature: 1, topK, seed, maxTokens: MAX_TOKENS });
        if (finishReason === 'stop') {
          valid++;
          expect(validate(JSON.parse(text)), `${JSON.stringify(schema)} ${text} ${JSON.stringify(validate.errors)}`).toBe(true);
        } else {
          cutOff++;
        }
      }
    }
  } finally {
    await engine.dispose();
  }
  return { schemas: count, generations: 2 * count, valid, cutOff };
}
