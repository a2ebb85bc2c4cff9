import type { Reply } from '../../parts.ts';
import { bodyOf } from '../azure-answers.ts';

/* How go-autorest, the operator's usual Azure library, prints errors. */
interface ServiceError {
  readonly code?: string;
  readonly message?: string;
  readonly innererror?: object;
}

/** A vault's refusal as go-autorest prints it (`DetailedError` around `azure.RequestError`). */
export function refusal(operation: string, reply: Reply): string {
  const { code = 'Unknown', message = '', innererror } = (bodyOf(reply).error ?? {}) as ServiceError;
  const inner = innererror ? ` InnerError=${JSON.stringify(innererror)}` : '';
  const said = `Code=${JSON.stringify(code)} Message=${JSON.stringify(message)}${inner}`;
  return `keyvault.BaseClient#${operation}: Failure responding to request: StatusCode=${reply.status} -- Original Error: autorest/azure: Service returned an error. Status=${reply.status} ${said}`;
}

/** A request that had no answer: no such name, no token. */
export function unsent(operation: string, why: string, status = 0): string {
  return `keyvault.BaseClient#${operation}: Failure sending request: StatusCode=${status} -- Original Error: ${why}`;
}

export const unprepared = (operation: string, why: string): string =>
  `keyvault.BaseClient#${operation}: Failure preparing request: StatusCode=0 -- Original Error: ${why}`;
