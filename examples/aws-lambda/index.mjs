// An AWS Lambda function behind a function URL that answers with a model from a layer (/opt/model.gguf, or where MODEL says). With
// the invoke mode RESPONSE_STREAM, `streaming` sends the text as it is generated; `handler` sends it whole.
import { pipeline } from 'node:stream/promises';
import { Engine } from '@clawdbot/runtime';
import { answer, once } from '../answer.js';

const load = once(() => Engine.load(process.env.MODEL ?? '/opt/model.gguf', { contextLength: 256 }));

/** The event of a function URL (payload format 2.0) as a request. */
const requestOf = ({ rawPath, rawQueryString, requestContext }) =>
  new Request(`https://${requestContext.domainName}${rawPath}?${rawQueryString}`, { method: requestContext.http.method });

export async function handler(event) {
  const response = await answer(requestOf(event), load);
  return { statusCode: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}

// Lambda's own runtime has this global; elsewhere there is no such handler.
export const streaming = globalThis.awslambda?.streamifyResponse(async (event, stream) => {
  const response = await answer(requestOf(event), load);
  const head = { statusCode: response.status, headers: Object.fromEntries(response.headers) };
  await pipeline(response.body, globalThis.awslambda.HttpResponseStream.from(stream, head));
});
