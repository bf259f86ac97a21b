// A conversation: its messages, its slash commands, and the reply under way.
import type { ChatMessage } from '../chat/messages.ts';
import type { FinishReason, GenerateOptions, GenerateTimings } from '../engine/types.ts';
import { ClawdbotError, ContextLengthError, InvalidArgumentError } from '../errors.ts';
import type { CliEngine, Surroundings } from './command.ts';
import { readConversation, writeConversation } from './conversation.ts';
import type { StoredConversation, Turn } from './conversation.ts';
import { withFlags } from './flag-names.ts';
import { forTerminal } from './format.ts';
import { nearest } from '../sources/nearest.ts';
import { print } from './output.ts';
import { statsLine } from './stats.ts';

const HELP = `/system [TEXT]  show or set the system message (the conversation starts anew)
/clear          forget the conversation
/save FILE      write the conversation and its computed state to a file; only its text where FILE ends in .json
/load FILE      go on with a conversation from a file
/stats          speeds of the last reply, and how full the context is
/help           this list
/exit           leave
`;
const COMMANDS = ['/system', '/clear', '/save', '/load', '/stats', '/help', '/exit'];
/** One word; what goes on like a path ("/etc/hosts") or a comment ("//") is a message. */
const COMMAND = /^\/\w+(?=\s|$)/;

export class ChatSession {
  readonly #engine: CliEngine;
  readonly #options: GenerateOptions;
  #system: string | undefined;
  #turns: Turn[] = [];
  #reply: AbortController | undefined;
  #timings: GenerateTimings | undefined;

  constructor(engine: CliEngine, options: GenerateOptions, system: string | undefined) {
    this.#engine = engine;
    this.#options = options;
    this.#system = system;
  }

  get messages(): readonly ChatMessage[] {
    const system: ChatMessage[] = this.#system === undefined ? [] : [{ role: 'system', content: this.#system }];
    return [...system, ...this.#turns];
  }

  /** Stops the reply under way; false when there is none. */
  stop(): boolean {
    if (!this.#reply || this.#reply.signal.aborted) return false;
    this.#reply.abort();
    return true;
  }

  /** Obeys a slash command or answers a message. False: the conversation is over. */
  async answer(message: string, surroundings: Surroundings): Promise<boolean> {
    try {
      if (COMMAND.test(message)) return await this.#obey(message, surroundings);
      await this.#say(message, surroundings);
    } catch (error) {
      if (!(error instanceof ClawdbotError) || surroundings.signal.aborted) throw error;
      surroundings.stderr.write(`error: ${complaint(error)}\n`);
    }
    return true;
  }

  async #say(content: string, { stdout, stderr, signal: stopAll }: Surroundings): Promise<void> {
    this.#timings = undefined;
    let text = '';
    let finishReason: FinishReason | undefined;
    await this.#stoppable({ stderr, signal: stopAll }, async (signal) => {
      const messages: ChatMessage[] = [...this.messages, { role: 'user', content }];
      for await (const chunk of this.#engine.generate(messages, { ...this.#options, signal })) {
        text += chunk.text;
        await print(stdout, stdout.isTTY ? forTerminal(chunk.text) : chunk.text);
        this.#timings = chunk.timings ?? this.#timings;
        finishReason = chunk.finishReason;
      }
    });
    if (!text.endsWith('\n')) await print(stdout, '\n');
    if (finishReason === 'length') stderr.write(this.#whyCut());
    this.#turns.push({ role: 'user', content }, { role: 'assistant', content: text });
  }

  /** Runs `work` until it ends or `stop` is called. */
  async #stoppable(
    { stderr, signal }: Pick<Surroundings, 'stderr' | 'signal'>, work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const reply = new AbortController();
    this.#reply = reply;
    const stopWithAll = (): void => reply.abort();
    signal.addEventListener('abort', stopWithAll);
    try {
      await work(reply.signal);
    } catch (error) {
      if (!reply.signal.aborted || error instanceof ClawdbotError) throw error;
      stderr.write(stderr.isTTY ? ' (stopped)' : '');
    } finally {
      signal.removeEventListener('abort', stopWithAll);
      this.#reply = undefined;
    }
  }

  #whyCut(): string {
    const { promptTokens, newTokens } = this.#timings!;
    const { contextLength } = this.#engine.model;
    return promptTokens + newTokens >= contextLength
      ? `(The context of ${contextLength} tokens is full. /clear starts anew; clawdbot chat -c N allows more.)\n`
      : `(Cut off after ${newTokens} tokens; -n allows more.)\n`;
  }

  async #obey(line: string, surroundings: Surroundings): Promise<boolean> {
    const { stdout, stderr } = surroundings;
    const [, name, rest] = /^(\/\w+)\s*(.*)$/s.exec(line)!;
    const given = rest.trim();
    switch (name) {
      case '/exit':
      case '/quit':
        return false;
      case '/help':
        await print(stdout, HELP);
        break;
      case '/clear':
        this.#turns = [];
        stderr.write('The conversation starts anew.\n');
        break;
      case '/stats':
        await print(stdout, this.#stats());
        break;
      case '/save':
        await this.save(given, surroundings);
        break;
      case '/load':
        await this.load(given, surroundings);
        stderr.write(`Loaded ${this.#turns.length} messages.\n`);
        break;
      case '/system':
        if (given === '') {
          await print(
            stdout,
            `${this.#system === undefined ? 'There is no system message.' : forTerminal(this.#system)}\n`,
          );
          break;
        }
        this.#system = given;
        this.#turns = [];
        stderr.write('The system message is set, the conversation starts anew.\n');
        break;
      default: {
        const close = nearest(name, COMMANDS);
        throw new InvalidArgumentError(
          `There is no command ${name}. ${close ? `Did you mean ${close}?` : '/help lists them.'} ` +
            'With a space before it, it is a message.',
        );
      }
    }
    return true;
  }

  #stats(): string {
    const { contextLength } = this.#engine.model;
    const numTokens = this.messages.length > 0 ? this.#engine.renderChat(this.messages, { addGenerationPrompt: false }).ids.length : 0;
    const fill = `${Math.min(numTokens, contextLength)} of ${contextLength} tokens of context used\n`;
    return this.#timings ? statsLine(this.#timings, this.#engine.model) + fill : fill;
  }

  async save(file: string, surroundings: Surroundings): Promise<void> {
    if (file === '') throw new InvalidArgumentError('Say where: /save FILE.');
    const conversation = { system: this.#system, messages: this.#turns };
    await this.#stoppable(surroundings, async (signal) => {
      const { contextPolicy } = this.#options;
      surroundings.stderr.write(await writeConversation(file, this.#engine, conversation, { contextPolicy, signal }));
    });
  }

  async load(file: string, surroundings: Surroundings): Promise<void> {
    if (file === '') throw new InvalidArgumentError('Say which one: /load FILE.');
    await this.goOnWith(await readConversation(file), surroundings);
  }

  /** Replaces the conversation; where its saved state is of no use here, says so: then the next turn computes it anew. */
  async goOnWith({ system, messages, session }: StoredConversation, surroundings: Surroundings): Promise<void> {
    this.#system = system;
    this.#turns = [...messages];
    this.#timings = undefined;
    if (session === undefined) return;
    try {
      await this.#stoppable(surroundings, async (signal) => void (await this.#engine.loadSession(session, { signal })));
    } catch (error) {
      if (!(error instanceof ClawdbotError)) throw error;
      surroundings.stderr.write(`warning: ${withFlags(error.message, 'chat')} The conversation goes on from its text.\n`);
    }
  }
}

function complaint(error: ClawdbotError): string {
  if (!(error instanceof ContextLengthError)) return withFlags(error.message, 'chat');
  return (
    `The conversation needs ${error.requested} tokens and the context holds ${error.contextLength}. ` +
    '/clear starts anew; clawdbot chat -c N allows more.'
  );
}
