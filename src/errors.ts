// Every error this package throws on purpose. Each says what is wrong and what to do about it.

/** Base of all typed errors; `code` is stable and machine-readable. */
export class ClawdbotError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** A GGUF file that is truncated, malformed or hostile. */
export class GgufError extends ClawdbotError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_GGUF', message, options);
  }
}

/** A well-formed model that this version cannot run (unknown architecture, tokenizer, tensor type …). */
export class UnsupportedModelError extends ClawdbotError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_UNSUPPORTED_MODEL', message, options);
  }
}

/** Text or ids that the tokenizer cannot take, or a vocabulary that contradicts itself. */
export class TokenizerError extends ClawdbotError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_TOKENIZER', message, options);
  }
}

/** A chat template that fails, or that exceeds its limits of time, output or loops. */
export class ChatTemplateError extends ClawdbotError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_CHAT_TEMPLATE', message, options);
  }
}

/** A prompt (plus requested tokens) that does not fit the context. */
export class ContextLengthError extends ClawdbotError {
  readonly requested: number;
  readonly contextLength: number;

  constructor(requested: number, contextLength: number, message?: string) {
    super(
      'ERR_CONTEXT_LENGTH',
      message ??
        `The prompt needs ${requested} tokens but the context holds ${contextLength}. ` +
          'Shorten the prompt or load the model with a larger contextLength.',
    );
    this.requested = requested;
    this.contextLength = contextLength;
  }
}

/** What was asked for does not fit the memory that is available. */
export class OutOfMemoryError extends ClawdbotError {
  readonly requiredBytes: number;
  readonly availableBytes: number;

  constructor(requiredBytes: number, availableBytes: number, message: string, options?: ErrorOptions) {
    super('ERR_OUT_OF_MEMORY', message, options);
    this.requiredBytes = requiredBytes;
    this.availableBytes = availableBytes;
  }
}

/** A model reference that cannot be resolved or fetched. */
export class ModelSourceError extends ClawdbotError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_MODEL_SOURCE', message, options);
  }
}

/** Downloaded bytes whose size or sha256 is not what was promised. */
export class IntegrityError extends ClawdbotError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_INTEGRITY', message, options);
  }
}

/** An option or argument outside what is allowed. */
export class InvalidArgumentError extends ClawdbotError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_INVALID_ARGUMENT', message, options);
  }
}

/** The compute workers are gone: disposed, crashed or killed. */
export class EngineStoppedError extends ClawdbotError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_ENGINE_STOPPED', message, options);
  }
}

/** Logits from which nothing can be drawn: every token is ruled out, or the model computed no finite numbers. */
export class SamplingError extends ClawdbotError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_SAMPLING', message, options);
  }
}

/** A saved session that is damaged, no session at all, or of another model or format than the one loaded. */
export class SessionError extends ClawdbotError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_SESSION', message, options);
  }
}

/**
 * A grammar or JSON schema that cannot be enforced. For a schema, `keyword` is to blame, at the JSON pointer `pointer`; `tool` is
 * whose parameters it describes.
 */
export class GrammarError extends ClawdbotError {
  readonly keyword: string | undefined;
  readonly pointer: string | undefined;
  readonly tool: string | undefined;

  constructor(message: string, place?: { readonly keyword?: string; readonly pointer?: string; readonly tool?: string }) {
    super('ERR_GRAMMAR', message);
    this.keyword = place?.keyword;
    this.pointer = place?.pointer;
    this.tool = place?.tool;
  }
}
