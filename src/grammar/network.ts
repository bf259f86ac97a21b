// A grammar as tables: per rule a graph of states whose edges are bytes, tokens or calls of rules. Plain arrays, so that it
// can be sent to a worker. Built by network-builder.ts; followed by automaton.ts.

export interface Network {
  readonly numStates: number;
  /** State s is followed, without reading anything, by states closureTo[closureStart[s] … closureStart[s + 1]), itself included. */
  readonly closureStart: Int32Array;
  readonly closureTo: Int32Array;
  readonly byteStart: Int32Array;
  readonly byteLow: Uint8Array;
  readonly byteHigh: Uint8Array;
  readonly byteTo: Int32Array;
  /** After the called rule comes state callReturn. */
  readonly callStart: Int32Array;
  readonly callRule: Int32Array;
  readonly callReturn: Int32Array;
  readonly tokenStart: Int32Array;
  readonly tokenId: Int32Array;
  readonly tokenNegated: Uint8Array;
  readonly tokenTo: Int32Array;
  /** 1 where the state's rule ends. */
  readonly isEnd: Uint8Array;
  /** 1 where nothing but the end of the rule follows: a call that returns here needs no return. */
  readonly isOnlyEnd: Uint8Array;
  readonly ruleStart: Int32Array;
  readonly ruleIsNullable: Uint8Array;
  /** A rule calls, before it reads anything, only rules of a higher rank. */
  readonly ruleRank: Int32Array;
  readonly root: number;
}
