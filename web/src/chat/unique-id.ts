// Names that nothing else has, for conversations and messages.

/** 128 random bits. (crypto.randomUUID is not there on pages over plain http, as from another machine of one's own network.) */
export function uniqueId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
