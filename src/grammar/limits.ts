// How large a grammar may be: what comes from outside must not take all memory or time.

export const LIMITS = {
  /** UTF-16 units of a grammar's or JSON schema's text. */
  textLength: 512 * 1024,
  rules: 20_000,
  states: 150_000,
  /** Entries of the tables that say what follows a state without reading. */
  closure: 2_000_000,
  /** Brackets within brackets, schemas within schemas. */
  depth: 200,
  /** Least count of a repetition, as in llama.cpp; and what all repetitions within each other may multiply to. */
  leastRepeat: 2000,
  repeatProduct: 1_000_000,
  /** Ways to read a text that are followed at once. */
  configurations: 8192,
  /** States of a regular expression's automaton. */
  patternStates: 12_000,
  /** Steps that all regular expressions of one schema may take to compile. */
  patternWork: 4_000_000,
  /** Subschemas that are combined, over all alternatives. */
  schemas: 200_000,
  /** Alternatives of one value that are no constants. */
  alternatives: 1000,
  /** Steps of comparing constants with schemas. */
  comparisons: 2_000_000,
  /** First items of an array that each may be what breaks a schema. */
  negatedItems: 200,
} as const;
