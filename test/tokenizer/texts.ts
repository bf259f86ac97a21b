// Texts and pieces of text that tokenizers get wrong: contractions, digits, scripts, joiners, kinds of white space.

export const AWKWARD_PIECES: readonly string[] = [
  "'s", "'S", "'ll", "'LL", "'re", "'Ve", "'", ' ', '  ', '   ', '\n', '\n\n', '\r\n', '\t', 'a', 'A', 'word', 'Word',
  'WORD', 'wOrD', 'é', 'É', 'ß', 'ñ', '1', '12', '123', '1234', '٣', '½', 'Ⅷ', '!', '?!', '...', '$', '+', '<=>', '^',
  '`', '~', '|', '_', '-', '/', '//', '(', ')', '[', ']', '{', '}', '\\', '#', '@', '%', '&', '*', '=', '"', '“', '—',
  '。', '，', '中', '中文字', 'ひらがな', 'カタカナ', '한국어', 'ไทย', 'हिन्दी', 'বাংলা', 'العربية', 'עברית', 'Ελληνικά',
  'Кириллица', 'Ǆ', 'ǅ', 'ʰ', '😀', '👩‍👩‍👧', '🇩🇪', '\u00a0', '\u2003', '\u3000', '\u0085', '\u200b', '\ufeff', '\u0301',
  '्', '€', '°', '№', '𝒜', '𐐀', 'ﬁ', 'Ａ', '１', '\0', '\x1f', '\x7f', '\u2028', 'e\u0301', '<|im_end|>',
];

export const AWKWARD_TEXTS: readonly string[] = [
  '', ' ', '  ', '\t', '\n', '\n\n', '\n\n\n', ' \n', '\n ', ' \n \n ', 'Hello world', ' Hello world', 'Hello  world',
  'Hello World!', ' Hello, World !', "I'm sure we'll SAY it's 'fine', you've DON'T", '3', '33', '333', '3333', '33333',
  '3.14159265', 'x=1+2;y=[3,4]', 'def f(x):\n    return x ** 2\n\n\n# end', 'कहानी की शुरुआत', 'Việt Nam đẹp',
  '我想在apple工作1314151天～', 'こんにちは、世界。', '🚀 (normal) 😶‍🌫️ (multiple) ✅', 'naïve café Ünïcödé', 'ÉCOLE École éCOLE',
  '\u00a0\u2003\u3000mixed\u0085space', 'tab\tand\r\nlines\r\n\r\n', '!!!!!!??....', '________', '\\n is not \n',
  'end with space ', 'ends with newline\n', 'https://example.org/a/b?c=d&e=%20', 'a'.repeat(300),
  ' '.repeat(70), '\ufeffbom',
];
