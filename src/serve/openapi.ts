// The OpenAPI document, made from the schemas that requests are checked with.
import { z } from 'zod';
import { ENDPOINTS } from './endpoints.ts';

const ERRORS = {
  400: 'The request is wrong; error.param names the field', 401: 'An API key is missing or wrong', 404: 'No such model',
  408: 'The body stopped before its end', 413: 'The body is too large', 415: 'The body is not application/json',
  421: 'The server does not answer to that Host name', 429: 'Too many requests run or wait',
  503: 'The model cannot be loaded, or the server shuts down', 504: 'The request took longer than the server allows',
};

/** What is read, with the statuses of errors that it may have. */
const READS: Readonly<Record<string, { readonly summary: string; readonly errors: readonly (keyof typeof ERRORS)[]; readonly isOpen?: boolean }>> = {
  '/v1/models': { summary: 'The served models', errors: [401, 421] },
  '/v1/models/{id}': { summary: 'One of them', errors: [401, 404, 421] },
  '/health': { summary: 'Whether the server takes requests', errors: [421, 503], isOpen: true },
  '/openapi.json': { summary: 'This document', errors: [421], isOpen: true },
};

export function openApiDocument(version: string): object {
  const error = { content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } };
  const errors = Object.fromEntries(Object.entries(ERRORS).map(([status, description]) => [status, { description, ...error }]));
  const reads = Object.entries(READS).map(([path, { summary, errors: statuses, isOpen = false }]) => [path, {
    get: {
      summary,
      ...(path.includes('{id}') && { parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }] }),
      ...(isOpen && { security: [] }),
      responses: {
        200: { description: 'The answer', content: { 'application/json': {} } },
        ...Object.fromEntries(statuses.map((status) => [status, errors[status]])),
      },
    },
  }] as const);
  const posts = ENDPOINTS.map(({ path, summary, schema, streams }) => [path, {
    post: {
      summary,
      requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(schema) } } },
      responses: {
        200: {
          description: streams ? 'The answer, or with stream: true its events' : 'The answer',
          content: { 'application/json': {}, ...(streams && { 'text/event-stream': {} }) },
        },
        ...errors,
      },
    },
  }] as const);
  return {
    openapi: '3.1.0',
    info: { title: 'Clawdbot', version, description: 'Language models behind the endpoints of OpenAI’s API.' },
    // Where the server has keys.
    security: [{ key: [] }, {}],
    paths: Object.fromEntries([...posts, ...reads]),
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      schemas: {
        Error: {
          type: 'object',
          properties: {
            error: {
              type: 'object',
              properties: {
                message: { type: 'string' }, type: { type: 'string' }, code: { type: ['string', 'null'] },
                param: { type: ['string', 'null'] },
              },
              required: ['message', 'type', 'code', 'param'],
            },
          },
          required: ['error'],
        },
      },
    },
  };
}

function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
}
