// The syntax tree of a template as the parser of @huggingface/jinja writes it (which exports no types for it).

export interface Text { readonly type: 'StringLiteral'; readonly value: string }
export interface Identifier { readonly type: 'Identifier'; readonly value: string }
export interface Keyword {
  readonly type: 'KeywordArgumentExpression';
  readonly key: Identifier;
  readonly value: Expression;
}
export interface Slice {
  readonly type: 'SliceExpression';
  readonly start?: Expression;
  readonly stop?: Expression;
  readonly step?: Expression;
}
export interface Call {
  readonly type: 'CallExpression';
  readonly callee: Expression;
  readonly args: readonly Argument[];
}
export interface Binary {
  readonly type: 'BinaryExpression';
  readonly operator: Operator;
  readonly left: Expression;
  readonly right: Expression;
}
export interface TestIs {
  readonly type: 'TestExpression';
  readonly operand: Expression;
  readonly negate: boolean;
  readonly test: Identifier;
}
export interface Member {
  readonly type: 'MemberExpression';
  readonly object: Expression;
  readonly property: Expression | Slice;
  readonly computed: boolean;
}
export interface Select { readonly type: 'SelectExpression'; readonly lhs: Expression; readonly test: Expression }
export interface TupleLiteral { readonly type: 'TupleLiteral'; readonly value: readonly Expression[] }
export type Filter = Identifier | Call;
export type Parameter = Identifier | Keyword;
export type Argument = Expression | Keyword
  | { readonly type: 'SpreadExpression'; readonly argument: Expression }
  | { readonly type: 'KeywordSpreadExpression'; readonly argument: Expression };

interface Operator { readonly value: string }

export type Expression = Text | Identifier | Call | Binary | TestIs | Member | Select | TupleLiteral
  | { readonly type: 'IntegerLiteral' | 'FloatLiteral'; readonly value: number }
  | { readonly type: 'ArrayLiteral'; readonly value: readonly Expression[] }
  | { readonly type: 'ObjectLiteral'; readonly value: ReadonlyMap<Expression, Expression> }
  | { readonly type: 'UnaryExpression'; readonly operator: Operator; readonly argument: Expression }
  | { readonly type: 'FilterExpression'; readonly operand: Expression; readonly filter: Filter }
  | {
    readonly type: 'Ternary';
    readonly condition: Expression;
    readonly trueExpr: Expression;
    readonly falseExpr: Expression;
  };

export interface For {
  readonly type: 'For';
  readonly loopvar: Identifier | TupleLiteral;
  readonly iterable: Expression;
  readonly body: readonly Statement[];
  readonly defaultBlock: readonly Statement[];
}
export interface SetStatement {
  readonly type: 'Set';
  readonly assignee: Expression;
  readonly value: Expression | null;
  readonly body: readonly Statement[];
}
export interface Macro {
  readonly type: 'Macro';
  readonly name: Identifier;
  readonly args: readonly Parameter[];
  readonly body: readonly Statement[];
}
export interface CallStatement {
  readonly type: 'CallStatement';
  readonly call: Call;
  readonly callerArgs: readonly Parameter[] | null;
  readonly body: readonly Statement[];
}

export interface If {
  readonly type: 'If';
  readonly test: Expression;
  readonly body: readonly Statement[];
  readonly alternate: readonly Statement[];
}
export interface FilterStatement {
  readonly type: 'FilterStatement';
  readonly filter: Filter;
  readonly body: readonly Statement[];
}

export type Statement = Expression | For | SetStatement | Macro | CallStatement | If | FilterStatement
  | { readonly type: 'Comment' | 'Break' | 'Continue' };
