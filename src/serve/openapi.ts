// The OpenAPI document, made from the schemas that requests are checked with.
import { z } from 'zod';
import { ENDPOINTS } from './endpoints.ts';

const ERRORS = {
  400: 'The request is wrong; error.param names the field', 401: 'An API key is missing or wrong', 404: 'No such model',
  413: 'The body is too large', 429: 'Too many requests run or wait', 503: 'The model cannot be loaded, or the server shuts down',
};

export function openApiDocument(version: string): object {
  const error = { content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } };
  const errors = Object.fromEntries(Object.entries(ERRORS).map(([status, description]) => [status, { description, ...error }]));
  const paths = Object.fromEntries(ENDPOINTS.map(({ path, summary, schema, streams }) => [path, {
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
  }]));
  return {
    openapi: '3.1.0',
    info: { title: 'Clawdbot', version, description: 'Language models behind the endpoints of OpenAI’s API.' },
    paths,
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
