// Writes a model with every weight as float32, so that an engine computes with exactly what the quantized weights mean:
//   node exact-weights.mjs MODEL.gguf OUT.gguf
// Needs the built package (npm run build in the repository root).
import { closeSync, openSync, writeSync } from 'node:fs';
import { dequantize, openFile, readGguf, writeGgufTo } from '../../dist/index.js';
import { parseArgs } from '../../scripts/command-line.mjs';

const FLOAT_KEYS = /freq_base|epsilon|factor|scale|softcapping/;

const { positionals: [input, output] } = parseArgs({ allowPositionals: true });
const source = await openFile(input);
const file = await readGguf(source);
const out = openSync(output, 'w');

async function* floats(tensor) {
  const bytes = new Uint8Array(tensor.byteLength);
  await source.read(tensor.offset, bytes);
  const values = new Float32Array(tensor.numElements);
  dequantize(tensor.type, bytes, values, tensor.numElements);
  yield new Uint8Array(values.buffer);
}

await writeGgufTo((bytes) => void writeSync(out, bytes), {
  metadata: [...file.metadata.entries]
    .filter(([key]) => key !== 'general.file_type')
    // Whole numbers among the float keys would otherwise be written as integers.
    .map(([key, value]) => [key, typeof value === 'number' && FLOAT_KEYS.test(key) ? { type: 'f32', value } : value]),
  tensors: file.tensors.map((tensor) => ({ name: tensor.name, type: 'F32', shape: tensor.shape, bytes: () => floats(tensor) })),
});
closeSync(out);
await source.close();
