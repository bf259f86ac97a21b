// Finds a model's architecture by the name in its file.
import { UnsupportedModelError } from '../errors.ts';
import type { Architecture } from './architecture.ts';
import { architecture as bert } from './bert.ts';
import { architecture as bloom } from './bloom.ts';
import { architecture as cohere2 } from './cohere2.ts';
import { architecture as commandR } from './command-r.ts';
import { architecture as deepseek } from './deepseek.ts';
import { architecture as deepseek2 } from './deepseek2.ts';
import { architecture as exaone } from './exaone.ts';
import { architecture as exaone4 } from './exaone4.ts';
import { architecture as falcon } from './falcon.ts';
import { architecture as gemma } from './gemma.ts';
import { architecture as gemmaEmbedding } from './gemma-embedding.ts';
import { architecture as gemma2 } from './gemma2.ts';
import { architecture as gemma3 } from './gemma3.ts';
import { architecture as glm4 } from './glm4.ts';
import { architecture as gptOss } from './gpt-oss.ts';
import { architecture as gpt2 } from './gpt2.ts';
import { architecture as gptneox } from './gptneox.ts';
import { architecture as granite } from './granite.ts';
import { architecture as internlm2 } from './internlm2.ts';
import { architecture as jinaBertV2 } from './jina-bert-v2.ts';
import { architecture as lfm2 } from './lfm2.ts';
import { architecture as llama } from './llama.ts';
import { architecture as mamba } from './mamba.ts';
import { architecture as minicpm } from './minicpm.ts';
import { architecture as mistral3 } from './mistral3.ts';
import { architecture as mpt } from './mpt.ts';
import { architecture as nemotron } from './nemotron.ts';
import { architecture as nomicBert } from './nomic-bert.ts';
import { architecture as olmo } from './olmo.ts';
import { architecture as olmo2 } from './olmo2.ts';
import { architecture as olmoe } from './olmoe.ts';
import { architecture as orion } from './orion.ts';
import { architecture as phi2 } from './phi2.ts';
import { architecture as phi3 } from './phi3.ts';
import { architecture as qwen2 } from './qwen2.ts';
import { architecture as qwen2moe } from './qwen2moe.ts';
import { architecture as qwen3 } from './qwen3.ts';
import { architecture as qwen3moe } from './qwen3moe.ts';
import { architecture as smollm3 } from './smollm3.ts';
import { architecture as stablelm } from './stablelm.ts';
import { architecture as starcoder } from './starcoder.ts';
import { architecture as starcoder2 } from './starcoder2.ts';
import { architecture as t5encoder } from './t5encoder.ts';

export const ARCHITECTURES: ReadonlyMap<string, Architecture> = new Map([
  bert, bloom, cohere2, commandR, deepseek, deepseek2, exaone, exaone4, falcon, gemma, gemmaEmbedding, gemma2,
  gemma3, glm4, gptOss, gpt2, gptneox, granite, internlm2, jinaBertV2, lfm2, llama, mamba, minicpm, mistral3, mpt,
  nemotron, nomicBert, olmo, olmo2, olmoe, orion, phi2, phi3, qwen2, qwen2moe, qwen3, qwen3moe, smollm3, stablelm,
  starcoder, starcoder2, t5encoder,
].map((architecture) => [architecture.id, architecture]));

/** By `general.architecture`; UnsupportedModelError names one that is not here. */
export function findArchitecture(id: string): Architecture {
  const found = ARCHITECTURES.get(id);
  if (found) return found;
  throw new UnsupportedModelError(
    `Models of architecture ${JSON.stringify(id.slice(0, 80))} cannot be run. ` +
      `Supported: ${[...ARCHITECTURES.keys()].join(', ')}.`,
  );
}
