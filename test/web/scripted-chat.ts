// A chat server that says what a test tells it to, in the wire format of /v1/chat/completions.
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface Script {
  /** The reply to the last message; it is cut into pieces of a few characters. The connection breaks at a piece with U+0000. */
  readonly reply: (messages: readonly { role: string; content: string }[]) => string;
  readonly pauseMs?: number;
  readonly apiKey?: string;
  /** What /v1/models lists. */
  readonly models?: readonly object[];
  /** An error instead of a reply. */
  readonly refusal?: (lastMessage: string) => { readonly status: number; readonly error: object } | undefined;
}

export interface ScriptedChat {
  /** Bodies of the completions that were asked for. */
  readonly requests: Record<string, unknown>[];
  /** Completions whose connection was closed before their end. */
  cancelled: number;
  handle(request: IncomingMessage, response: ServerResponse): boolean;
}

const MODELS = [
  { id: 'tiny-instruct', object: 'model', created: 0, owned_by: 'test', context_length: 2048 },
  { id: 'other-model', object: 'model', created: 0, owned_by: 'test', context_length: 4096 },
];

export function scriptedChat({ reply, pauseMs = 2, apiKey, models = MODELS, refusal }: Script): ScriptedChat {
  const chat: ScriptedChat = {
    requests: [],
    cancelled: 0,
    handle(request, response) {
      if (!request.url!.startsWith('/v1/')) return false;
      if (apiKey !== undefined && request.headers.authorization !== `Bearer ${apiKey}`) {
        response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":{"message":"no key"}}');
      } else if (request.url === '/v1/models') {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ object: 'list', data: models }));
      } else {
        void complete(request, response);
      }
      return true;
    },
  };

  async function complete(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = JSON.parse(Buffer.concat(parts).toString()) as { messages: { role: string; content: string }[] };
    chat.requests.push(body);
    const refused = refusal?.(body.messages.at(-1)!.content);
    if (refused) {
      response.writeHead(refused.status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: refused.error }));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const pieces = reply(body.messages).match(/[^]{1,6}/g) ?? [];
    const send = (event: object): void => void response.write(`data: ${JSON.stringify(event)}\n\n`);
    for (const content of pieces) {
      if (response.destroyed) {
        chat.cancelled++;
        return;
      }
      if (content.includes('\0')) return void response.destroy();
      send({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    send({ choices: [], usage: { prompt_tokens: 40, completion_tokens: pieces.length, total_tokens: 40 + pieces.length } });
    response.end('data: [DONE]\n\n');
  }
  return chat;
}
