// clawdbot chat: a conversation on the terminal, or with a script on standard input.
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import type { Writable } from 'node:stream';
import { InvalidArgumentError, UnsupportedModelError } from '../../errors.ts';
import { ChatSession } from '../chat-session.ts';
import { readConversation } from '../conversation.ts';
import type { StoredConversation } from '../conversation.ts';
import { Interrupted, command } from '../command.ts';
import type { CliEngine, Surroundings } from '../command.ts';
import { withDefaultModelTalk } from '../default-model.ts';
import { checkWritable } from '../files.ts';
import { LineReader } from '../line-reader.ts';
import { refusePositionals } from '../input.ts';
import { warnOfFallbackTemplate, withEngine } from '../load.ts';
import { integer, text, texts } from '../options.ts';
import { print } from '../output.ts';
import { COMPUTE, CONTEXT_POLICY, DEFAULT_MAX_TOKENS, ENGINE, EVERYWHERE, MODEL, SAMPLING, samplingFrom } from '../shared-options.ts';
import { SPECULATION, speculationFrom } from '../speculation-options.ts';

const PROMPT = '> ';
const CONTINUED = '… ';

export const chat = command({
  name: 'chat',
  summary: 'Talk with a model',
  usage: '[OPTIONS]',
  notes: `Ctrl-C stops a reply; twice at an empty prompt it leaves. A line that ends with "\\" goes on in the next one.
/help in the conversation lists its commands. The default model answers greedily, with a penalty on repetition (1.1) and a
plain system message; --temp 0.8 is how other models are asked, --seed makes that repeatable.`,
  examples: [
    'clawdbot chat',
    'clawdbot chat --system "Answer in French." --temp 0.6',
    'clawdbot chat --session diary.session',
    'printf "Hello\\nAnd in German?\\n" | clawdbot chat',
  ],
  options: {
    ...MODEL,
    system: text({ short: 's', help: 'System message' }),
    load: text({ value: 'FILE', help: 'Go on with a conversation that /save wrote' }),
    session: text({ value: 'FILE', help: 'Go on with the conversation in this file, if there is one, and save it there at the end' }),
    maxTokens: integer({ min: 1 }, { short: 'n', help: `New tokens per reply at most (${DEFAULT_MAX_TOKENS})` }),
    stop: texts({ help: 'Stop before this text (no ids). Repeatable' }),
    ...CONTEXT_POLICY,
    ...SAMPLING,
    ...SPECULATION,
    threads: ENGINE.threads,
    context: ENGINE.context,
    maxSequences: ENGINE.maxSequences,
    ...COMPUTE,
    ...EVERYWHERE,
  },
  async run({ options: stated, positionals }, surroundings) {
    const options = withDefaultModelTalk(stated);
    refusePositionals(positionals, 'Start clawdbot chat without one and type your message.');
    const conversation = await storedConversation(options);
    await withEngine(options, surroundings, async (engine) => {
      if (engine.model.kind === 'encoder') {
        throw new UnsupportedModelError(
          `${engine.model.name} is an encoder (${engine.model.architecture}) and cannot chat.`,
        );
      }
      warnOfFallbackTemplate(engine, surroundings);
      const session = new ChatSession(
        engine,
        {
          ...samplingFrom(options),
          maxTokens: options.maxTokens ?? DEFAULT_MAX_TOKENS,
          contextPolicy: options.contextPolicy,
          stop: options.stop,
          speculation: speculationFrom(options),
        },
        options.system,
      );
      if (conversation) await session.goOnWith(conversation, surroundings);
      const before = session.messages.length;
      try {
        await converse(engine, session, surroundings);
      } finally {
        const isNew = session.messages.length > before;
        if (options.session !== undefined && isNew && !surroundings.signal.aborted) await session.save(options.session, surroundings);
      }
    });
  },
});

async function storedConversation(
  { load, session }: { readonly load?: string; readonly session?: string },
): Promise<StoredConversation | undefined> {
  if (load !== undefined && session !== undefined) throw new InvalidArgumentError('Give --load or --session, not both.');
  if (load !== undefined) return readConversation(load);
  if (session === undefined) return undefined;
  await checkWritable(session);
  return existsSync(session) ? readConversation(session) : undefined;
}

async function converse(engine: CliEngine, session: ChatSession, surroundings: Surroundings): Promise<void> {
  const { stdin, stdout, stderr, signal } = surroundings;
  const isTerminal = Boolean(stdin.isTTY && stdout.isTTY);
  const lines = createInterface({
    input: stdin,
    output: isTerminal ? (stdout as unknown as Writable) : undefined,
    terminal: isTerminal,
    historySize: 500,
  });
  const reader = new LineReader(lines);
  const interrupt = interrupts(session, reader, lines, surroundings);
  lines.on('SIGINT', interrupt.press);
  const release = surroundings.onInterrupt(interrupt.press);
  const close = (): void => lines.close();
  signal.addEventListener('abort', close);
  try {
    if (isTerminal) stderr.write(`${engine.model.name}: /help lists commands, Ctrl-D leaves\n`);
    for (;;) {
      const message = await readMessage(reader, lines, isTerminal);
      signal.throwIfAborted();
      if (interrupt.left()) throw new Interrupted('left with Ctrl-C');
      if (message === undefined) break;
      interrupt.reset();
      if (message.trim() === '') continue;
      if (!(await session.answer(message, surroundings))) break;
    }
    if (isTerminal) await print(stdout, '\n');
  } finally {
    signal.removeEventListener('abort', close);
    release();
    lines.close();
  }
}

/** What Ctrl-C does: stops a reply; empties a line; at an empty prompt, the second time, leaves. */
function interrupts(
  session: ChatSession,
  reader: LineReader,
  lines: Interface,
  { stderr, stdin }: Surroundings,
): {
  press: () => void;
  reset: () => void;
  left: () => boolean;
} {
  let pressed = false;
  let left = false;
  return {
    reset: () => {
      pressed = false;
    },
    left: () => left,
    press() {
      if (session.stop()) return;
      if (lines.line !== '' && stdin.isTTY) {
        lines.write(null, { ctrl: true, name: 'e' });
        lines.write(null, { ctrl: true, name: 'u' });
        return;
      }
      if (pressed) {
        left = true;
        reader.end();
        return;
      }
      pressed = true;
      stderr.write('\n(Ctrl-C again, Ctrl-D or /exit leaves)\n');
      if (stdin.isTTY) lines.prompt();
    },
  };
}

/** Lines up to the first that does not end with a backslash; undefined at the end of the input. */
async function readMessage(reader: LineReader, lines: Interface, isTerminal: boolean): Promise<string | undefined> {
  const parts: string[] = [];
  for (;;) {
    if (isTerminal) {
      lines.setPrompt(parts.length === 0 ? PROMPT : CONTINUED);
      lines.prompt();
    }
    const line = await reader.next();
    if (line === undefined) return parts.length > 0 ? parts.join('\n') : undefined;
    if (!line.endsWith('\\')) return [...parts, line].join('\n');
    parts.push(line.slice(0, -1));
  }
}
