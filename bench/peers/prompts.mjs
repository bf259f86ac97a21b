// Prompts of an exact number of tokens, as text and as the ids of that text: some peers take only the one or the other.

/** A generator of the same numbers from 0 up to 1 for the same seed (constants of Numerical Recipes). */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Lower-case words that add exactly one token to a text. */
function wordsOf(tokenizer, vocabSize, random) {
  const base = tokenizer.encode('a').length;
  const words = new Set();
  for (let tries = 0; tries < 20_000 && words.size < 300; tries++) {
    const word = tokenizer.decode([Math.floor(random() * vocabSize)]).trim();
    if (/^[a-z]{2,8}$/.test(word) && tokenizer.encode(`a ${word}`).length === base + 1) words.add(word);
  }
  if (words.size < 10) throw new Error('the vocabulary has too few plain words to write prompts with');
  return [...words];
}

/** A function that makes prompts of `length` tokens, BOS included where the model adds one. */
export function promptMaker(tokenizer, vocabSize, seed = 42) {
  const random = randomNumbers(seed);
  const words = wordsOf(tokenizer, vocabSize, random);
  const word = () => words[Math.floor(random() * words.length)];
  return (length) => {
    for (let tries = 0; tries < 50; tries++) {
      const chosen = Array.from({ length }, word);
      let ids = tokenizer.encode(chosen.join(' '));
      for (let step = 0; step < 20 && ids.length !== length; step++) {
        if (ids.length > length) chosen.length = Math.max(1, chosen.length - (ids.length - length));
        else chosen.push(...Array.from({ length: length - ids.length }, word));
        ids = tokenizer.encode(chosen.join(' '));
      }
      if (ids.length === length) return { ids: [...ids], text: chosen.join(' ') };
    }
    throw new Error(`no text of exactly ${length} tokens found`);
  };
}
