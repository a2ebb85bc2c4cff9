import { randomUUID } from 'node:crypto';
import { Refusal } from '../parts.ts';

/** A refusal with Graph's error body. The handler gives it the ids of its request. */
export function refusal(status: number, code: string, message: string, details?: readonly object[]): Refusal {
  const innerError = { 'request-id': randomUUID() };
  return new Refusal({ status, body: { error: { code, message, ...(details && { details }), innerError } } });
}

export const notFound = (id: string): Refusal =>
  refusal(
    404,
    'Request_ResourceNotFound',
    `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
  );

export const denied = (): Refusal =>
  refusal(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');

export const bad = (message: string, details?: readonly object[]): Refusal =>
  refusal(400, 'Request_BadRequest', message, details);

export const taken = (message: string): Refusal => refusal(409, 'Request_MultipleObjectsWithSameKeyValue', message);
