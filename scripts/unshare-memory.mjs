// Turns a WebAssembly module that imports shared memory into one that imports unshared memory; nothing else changes.
// (Atomic instructions are valid on both; only waiting is not, and a single thread never waits.)

const IMPORT_SECTION = 2;
const MEMORY_IMPORT = 2;
const HEADER_BYTES = 8;

function readLeb(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
}

function writeLeb(value) {
  const bytes = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

/** The one import of a kernel module, its memory, with the limits' flags and maximum dropped. */
function unshareImport(section) {
  const [count, names] = readLeb(section, 0);
  let at = names;
  for (const _name of ['module', 'field']) {
    const [length, start] = readLeb(section, at);
    at = start + length;
  }
  if (count !== 1 || section[at] !== MEMORY_IMPORT) {
    throw new Error('A kernel module imports its memory and nothing else.');
  }
  const [minimum] = readLeb(section, at + 2);
  return [...section.subarray(0, at + 1), 0, ...writeLeb(minimum)];
}

/** The same module, importing unshared memory of any maximum. */
export function unshareMemory(module) {
  let at = HEADER_BYTES;
  while (at < module.length) {
    const [size, start] = readLeb(module, at + 1);
    if (module[at] === IMPORT_SECTION) {
      const section = unshareImport(module.subarray(start, start + size));
      const replacement = Buffer.from([IMPORT_SECTION, ...writeLeb(section.length), ...section]);
      return Buffer.concat([module.subarray(0, at), replacement, module.subarray(start + size)]);
    }
    at = start + size;
  }
  throw new Error('The module has no imports.');
}
