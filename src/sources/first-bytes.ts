// What kind of file it is, by how it begins.

/** Bytes after which its kind can be told. */
export const LONGEST_START = 64;

/** What a file begins with says more than its name: "GGUF", gzip, zip, a web page. */
export function kindOfBytes(start: Uint8Array): 'gguf' | 'gzip' | 'zip' | 'html' | 'unknown' {
  const text = new TextDecoder('latin1').decode(start.subarray(0, LONGEST_START));
  if (text.startsWith('GGUF')) return 'gguf';
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
  if (text.startsWith('PK\x03\x04')) return 'zip';
  return /^\s*<(!doctype|html|head|\?xml)/i.test(text.replace(/^\u00ef\u00bb\u00bf/, '')) ? 'html' : 'unknown';
}
