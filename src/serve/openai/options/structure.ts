// What a request says about the form of its answer (`response_format`, and llama.cpp's `json_schema` and `grammar`), with the
// limits on schemas, as the engine's options.
import { z } from 'zod';
import type { GenerateOptions } from '../../../engine/types.ts';
import { invalidRequest } from '../../api-error.ts';

/** UTF-16 units of a schema's or grammar's text, and objects and lists within each other in a schema. */
export const MAX_SCHEMA_LENGTH = 128 * 1024;
const MAX_SCHEMA_DEPTH = 100;

/** A JSON schema of a size that is compiled in reasonable time; what it says is checked by compiling it. */
export const jsonSchema = z.record(z.string(), z.unknown()).superRefine((schema, context) => {
  const fault = tooLarge(schema);
  if (fault) context.addIssue({ code: 'custom', message: fault });
});

const named = z.strictObject({
  name: z.string().regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, "_", "-" or "."'),
  description: z.string().nullish(),
  schema: jsonSchema.optional(),
  strict: z.boolean().nullish().describe('Schemas are enforced either way'),
});

/** The fields of completions and chat completions. */
export const STRUCTURE = {
  response_format: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('text') }),
    z.strictObject({ type: z.literal('json_object') }),
    z.strictObject({ type: z.literal('json_schema'), json_schema: named }),
  ]).nullish(),
  json_schema: jsonSchema.optional().describe('Extension: the answer is JSON that satisfies this schema'),
  grammar: z.string().min(1).max(MAX_SCHEMA_LENGTH).optional().describe('Extension: the answer matches this GBNF grammar'),
};

type Structure = { readonly [K in keyof typeof STRUCTURE]?: z.infer<(typeof STRUCTURE)[K]> };

export interface AnswerForm {
  /** The request's field that asks for it. */
  readonly field: string;
  readonly options: Pick<GenerateOptions, 'grammar' | 'jsonSchema' | 'json'>;
}

/** Throws ApiError where more than one form is asked for. */
export function answerForm({ response_format: format, json_schema: schema, grammar }: Structure): AnswerForm | undefined {
  const forms: AnswerForm[] = [];
  if (format?.type === 'json_object') forms.push({ field: 'response_format', options: { json: true } });
  if (format?.type === 'json_schema') forms.push(formatForm(format.json_schema.schema));
  if (schema) forms.push({ field: 'json_schema', options: { jsonSchema: schema } });
  if (grammar !== undefined) forms.push({ field: 'grammar', options: { grammar } });
  if (forms.length > 1) {
    throw invalidRequest(`${forms.map(({ field }) => field).join(' and ')} contradict each other: an answer has one form.`, forms[1]!.field);
  }
  return forms[0];
}

const formatForm = (schema: object | undefined): AnswerForm =>
  ({ field: 'response_format', options: schema ? { jsonSchema: schema } : { json: true } });

function tooLarge(schema: object): string | undefined {
  let level: unknown[] = [schema];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_SCHEMA_DEPTH) return `the schema nests deeper than ${MAX_SCHEMA_DEPTH} levels, the limit here`;
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
  const { length } = JSON.stringify(schema);
  return length <= MAX_SCHEMA_LENGTH ? undefined : `the schema has ${length} characters; the limit here is ${MAX_SCHEMA_LENGTH}`;
}
