// A conversation: its messages, its slash commands, and the reply under way.
import { readFile, stat, writeFile } from 'node:fs/promises';
import type { ChatMessage } from '../chat/messages.ts';
import type { GenerateOptions, GenerateTimings } from '../engine/types.ts';
import { ClawdbotError, InvalidArgumentError } from '../errors.ts';
import type { CliEngine, Surroundings } from './command.ts';
import { forTerminal } from './format.ts';
import { nearest } from '../sources/nearest.ts';
import { print } from './output.ts';
import { statsLine } from './stats.ts';

const HELP = `/system [TEXT]  show or set the system message (the conversation starts anew)
/clear          forget the conversation
/save FILE      write the conversation to a file
/load FILE      go on with a conversation from a file
/stats          speeds of the last reply, and how full the context is
/help           this list
/exit           leave
`;
const COMMANDS = ['/system', '/clear', '/save', '/load', '/stats', '/help', '/exit'];
const LARGEST_FILE_BYTES = 64 * 2 ** 20;

type Turn = { readonly role: 'user' | 'assistant'; readonly content: string };

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
      if (message.startsWith('/')) return await this.#obey(message, surroundings);
      await this.#say(message, surroundings);
    } catch (error) {
      const isExpected = error instanceof ClawdbotError || (error as NodeJS.ErrnoException).code?.startsWith('E');
      if (!isExpected || surroundings.signal.aborted) throw error;
      surroundings.stderr.write(`error: ${(error as Error).message}\n`);
    }
    return true;
  }

  async #say(content: string, { stdout, stderr, signal }: Surroundings): Promise<void> {
    const reply = new AbortController();
    this.#reply = reply;
    const stopWithAll = (): void => reply.abort();
    signal.addEventListener('abort', stopWithAll);
    let text = '';
    try {
      const messages: ChatMessage[] = [...this.messages, { role: 'user', content }];
      for await (const chunk of this.#engine.generate(messages, { ...this.#options, signal: reply.signal })) {
        text += chunk.text;
        await print(stdout, stdout.isTTY ? forTerminal(chunk.text) : chunk.text);
        this.#timings = chunk.timings ?? this.#timings;
      }
    } catch (error) {
      if (!reply.signal.aborted || error instanceof ClawdbotError) throw error;
      stderr.write(stderr.isTTY ? ' (stopped)' : '');
    } finally {
      signal.removeEventListener('abort', stopWithAll);
      this.#reply = undefined;
    }
    if (!text.endsWith('\n')) await print(stdout, '\n');
    this.#turns.push({ role: 'user', content }, { role: 'assistant', content: text });
  }

  async #obey(line: string, { stdout, stderr }: Surroundings): Promise<boolean> {
    const [, name, rest] = /^(\/\S*)\s*(.*)$/s.exec(line)!;
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
        await this.save(given);
        stderr.write(`Saved ${this.#turns.length} messages.\n`);
        break;
      case '/load':
        await this.load(given);
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
          `There is no command ${name}. ${close ? `Did you mean ${close}?` : '/help lists them.'}`,
        );
      }
    }
    return true;
  }

  #stats(): string {
    const used = this.#timings ? this.#timings.promptTokens + this.#timings.newTokens : 0;
    const fill = `${used} of ${this.#engine.model.contextLength} tokens of context used\n`;
    return this.#timings ? statsLine(this.#timings, this.#engine.model) + fill : fill;
  }

  async save(file: string): Promise<void> {
    if (file === '') throw new InvalidArgumentError('Say where: /save FILE.');
    const conversation = { model: this.#engine.model.name, system: this.#system, messages: this.#turns };
    await writeFile(file, `${JSON.stringify(conversation, null, 2)}\n`);
  }

  /** Replaces the conversation. Throws InvalidArgumentError for a file that holds none. */
  async load(file: string): Promise<void> {
    if (file === '') throw new InvalidArgumentError('Say which one: /load FILE.');
    if ((await stat(file)).size > LARGEST_FILE_BYTES)
      throw new InvalidArgumentError(`"${file}" is too large for a conversation.`);
    const { system, messages } = parseConversation(await readFile(file, 'utf8'), file);
    this.#system = system;
    this.#turns = messages;
    this.#timings = undefined;
  }
}

function parseConversation(json: string, file: string): { system: string | undefined; messages: Turn[] } {
  const wrong = new InvalidArgumentError(`"${file}" is not a conversation that /save wrote.`);
  let found: { system?: unknown; messages?: unknown };
  try {
    found = JSON.parse(json) as typeof found;
  } catch {
    throw wrong;
  }
  const messages = found?.messages;
  if (!Array.isArray(messages) || !messages.every(isTurn)) throw wrong;
  if (found.system !== undefined && typeof found.system !== 'string') throw wrong;
  return { system: found.system, messages: messages.map(({ role, content }) => ({ role, content })) };
}

function isTurn(message: unknown): message is Turn {
  const { role, content } = (message ?? {}) as Partial<Turn>;
  return (role === 'user' || role === 'assistant') && typeof content === 'string';
}
