import { Refusal } from '../parts.ts';

/** A refusal with Resource Manager's error body. */
export function refusal(status: number, code: string, message: string, headers?: Record<string, string>): Refusal {
  return new Refusal({ status, body: { error: { code, message } }, ...(headers && { headers }) });
}

export const resourceNotFound = (type: string, name: string, group: string) =>
  refusal(
    404,
    'ResourceNotFound',
    `The Resource '${type}/${name}' under resource group '${group}' was not found. ` +
      'For more details please go to https://aka.ms/ARMResourceNotFoundFix',
  );
