// Cuts a model up into the parts of a split one, for tests of reading such.
import { tensorBytes } from '../../src/gguf/writer.ts';
import type { GgufContents, TensorInput } from '../../src/gguf/writer.ts';

/**
 * Cuts contents into those of parts that hold at most `maxPartBytes` of tensors each (a larger tensor gets its own
 * part). The first part carries the metadata; every part says which one it is.
 */
export function splitContents(contents: GgufContents, maxPartBytes: number): GgufContents[] {
  const ordinary = [...contents.metadata].filter(([key]) => !key.startsWith('split.'));
  const groups: TensorInput[][] = [[]];
  let groupBytes = 0;
  for (const tensor of contents.tensors) {
    const size = tensorBytes(tensor.type, tensor.shape);
    const current = groups[groups.length - 1]!;
    if (current.length > 0 && groupBytes + size > maxPartBytes) {
      groups.push([tensor]);
      groupBytes = size;
    } else {
      current.push(tensor);
      groupBytes += size;
    }
  }
  return groups.map((tensors, index) => ({
    alignment: contents.alignment,
    tensors,
    metadata: [
      ...(index === 0 ? ordinary : []),
      ['split.no', { type: 'u16', value: index }],
      ['split.count', { type: 'u16', value: groups.length }],
      ['split.tensors.count', { type: 'i32', value: contents.tensors.length }],
    ],
  }));
}
