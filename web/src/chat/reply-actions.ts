// Asking for replies: send, edit, regenerate, stop; collects a reply's stream and writes it into its conversation.
import { signal } from '@preact/signals';
import { ChatError } from './backend.ts';
import type { PromptProgress, ReplyPart, ReplyStats } from './backend.ts';
import { find, update } from './conversation-actions.ts';
import { newMessage, promptFor, withMessage } from './conversation.ts';
import type { Conversation, Message } from './conversation.ts';
import { inWords } from './failures.ts';
import { keepUnderWay } from './keep-under-way.ts';
import { askForKey, learnMore } from './model-actions.ts';
import { ReplyMeter, estimatePromptTokens } from './reply-meter.ts';
import { splitReasoning } from '../markdown/reasoning.ts';
import { plainText } from '../markdown/render.ts';
import { announcement, backend, current, currentReply, isModelDialogOpen, modelState, running } from './state.ts';
import type { RunningReply } from './state.ts';

const LONGEST_ANNOUNCEMENT = 1500;

/** Sends what the reader wrote at the end of the shown conversation. False where there is no model to send it to. */
export function send(text: string): boolean {
  if (!isReady() || currentReply.value) return false;
  const message = newMessage('user', text, current.value.leafId);
  const conversation = withMessage(current.value, message);
  update(conversation);
  void answer(conversation, message);
  return true;
}

/** Writes a message anew, beside the old one, and asks for a reply to it. */
export function edit(old: Message, text: string): void {
  if (!isReady() || currentReply.value) return;
  const message = newMessage('user', text, old.parentId);
  const conversation = withMessage(current.value, message);
  update(conversation);
  void answer(conversation, message);
}

/** Another reply to the message that this one replied to. */
export function regenerate(old: Message): void {
  const question = current.value.messages.find(({ id }) => id === old.parentId);
  if (question && isReady() && !currentReply.value) void answer(current.value, question);
}

export function stop(): void {
  currentReply.value?.controller.abort();
}

function isReady(): boolean {
  if (modelState.value.status === 'open') return true;
  isModelDialogOpen.value = modelState.value.status !== 'opening';
  return false;
}

async function answer(conversation: Conversation, question: Message): Promise<void> {
  if (modelState.value.status !== 'open') return;
  const { model } = modelState.value;
  const blank: Message = { ...newMessage('assistant', '', question.id), model: model.name };
  const reply: RunningReply = {
    messageId: blank.id, controller: new AbortController(),
    text: signal(''), reasoning: signal(''), speed: signal(undefined), promptShare: signal(undefined),
  };
  running.value = new Map(running.value).set(conversation.id, reply);
  update(withMessage(conversation, blank));
  announcement.value = 'The model is answering.';
  const soFar = (): Message => ({
    ...blank, content: reply.text.value, ...(reply.reasoning.value !== '' && { reasoning: reply.reasoning.value }),
  });
  const keeping = keepUnderWay(reply, () => keep(conversation.id, soFar()));
  const meter = new ReplyMeter();
  let finished: Message;
  try {
    const { finishReason, stats } = await receive(conversation, question, model.id, reply, meter);
    finished = { ...soFar(), stats, ending: finishReason === 'length' ? 'length' : 'stop' };
  } catch (error) {
    const stats = meter.stats(estimatePromptTokens(conversation, question));
    finished = {
      ...soFar(), ...(stats && { stats }),
      ...(reply.controller.signal.aborted || keeping.isLeaving ? { ending: 'stopped' } : { ending: 'failed', error: inWords(error) }),
    };
    if (error instanceof ChatError && error.code === 'unauthorized') askForKey();
  } finally {
    keeping.end();
  }
  const others = new Map(running.value);
  others.delete(conversation.id);
  running.value = others;
  keep(conversation.id, finished);
  // Nobody waits for it; the next reply asks again.
  learnMore().catch(() => undefined);
  announcement.value = finished.error ?? (plainText(splitReasoning(finished.content).answer).slice(0, LONGEST_ANNOUNCEMENT) || 'The answer was stopped.');
}

async function receive(
  conversation: Conversation, question: Message, modelId: string, reply: RunningReply, meter: ReplyMeter,
): Promise<{ finishReason: string; stats: ReplyStats }> {
  const { systemPrompt: _, ...sampling } = conversation.settings;
  const messages = promptFor(conversation, question);
  const onPromptProgress = (progress: PromptProgress): void => {
    meter.addPrompt(progress);
    reply.promptShare.value = progress.computedTokens / Math.max(1, progress.totalTokens);
  };
  for await (const part of backend.value!.reply({ modelId, messages, sampling, signal: reply.controller.signal, onPromptProgress })) {
    if (part.type === 'end') return part;
    take(part, reply);
    meter.add(part);
    reply.speed.value = meter.speed;
  }
  throw new ChatError('incomplete', 'The answer broke off before its end.');
}

function take(part: Exclude<ReplyPart, { type: 'end' }>, reply: RunningReply): void {
  if (part.type === 'text') reply.text.value += part.text;
  else reply.reasoning.value += part.text;
}

function keep(conversationId: string, message: Message): void {
  const conversation = find(conversationId);
  if (conversation?.messages.some(({ id }) => id === message.id)) update(withMessage(conversation, message));
}
