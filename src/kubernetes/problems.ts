import { Unanswered } from '../answer.ts';
import { redact } from '../secret.ts';
import { Odd } from '../shape.ts';
import { Problem, type Said, type Trouble } from '../trouble.ts';

/** The object that the API server sends for an error (meta/v1 Status). */
interface Status {
  readonly reason?: string;
  readonly message?: string;
  readonly causes: readonly Cause[];
}
interface Cause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** Of a message that is longer nobody reads the rest, and a sentence has less of it. */
const [LONGEST, SHOWN] = [4000, 600];

/** The problem that an answer with status 400 and above is. */
export function refusalOf(
  status: number,
  body: string,
  resource: string,
  more: { readonly auditId?: string | undefined; readonly retryAfter?: number | undefined } = {},
): Problem {
  const answer = statusOf(body);
  const message = answer.message ?? (redact(body).trim().slice(0, LONGEST).split('\n')[0] || `status ${status}`);
  const conflicts = answer.causes.filter(({ reason }) => reason === 'FieldManagerConflict');
  const said: Said = {
    by: 'Kubernetes',
    status,
    code: conflicts.length > 0 ? 'FieldManagerConflict' : (answer.reason ?? codeOf(status)),
    message,
    ...(more.auditId ? { requestId: more.auditId } : {}),
  };
  if (conflicts.length > 0) return new Problem('refused', resource, conflictIn(resource, conflicts), { said });
  const right = rightIn(message);
  const trouble = troubleOf(status, message);
  return new Problem(trouble, resource, sentenceOf(trouble, resource, message, right), {
    said,
    right,
    retryAfter: more.retryAfter,
  });
}

const WEBHOOK = /failed calling webhook/i;
/** An apply that does not fit the schema is answered with 500. */
const SCHEMA = /field not declared in schema|failed to create typed patch object/i;

/** Of a 500: it is about what was asked for, and the same again fails again. */
export const isVerdict = (body: string): boolean => WEBHOOK.test(body) || SCHEMA.test(body);

/** Status → trouble, for the API server. */
function troubleOf(status: number, message: string): Trouble {
  // A webhook that does not answer is a fault of the cluster, whatever status it is given.
  if (WEBHOOK.test(message)) return 'broken';
  if (SCHEMA.test(message)) return 'refused';
  switch (status) {
    case 401:
      return 'unsigned';
    case 403:
      // A namespace that is going away, and quotas and policies, refuse with 403 what rights allow.
      if (/being terminated/i.test(message)) return 'busy';
      return /denied the request|exceeded quota|violates PodSecurity/i.test(message) ? 'refused' : 'denied';
    case 404:
      return 'missing';
    case 409:
    case 429:
      return 'busy';
    default:
      return status >= 500 ? 'broken' : 'refused';
  }
}

function sentenceOf(trouble: Trouble, resource: string, message: string, right: string | undefined): string {
  switch (trouble) {
    case 'denied':
      return `You may not do that in the cluster: ${right ?? 'a right'} is missing (${resource}).`;
    case 'missing':
      return `${resource} does not exist.`;
    case 'unsigned':
      return 'The cluster does not accept the sign-in.';
    default:
      return `${resource}: ${message.length > SHOWN ? `${message.slice(0, SHOWN)}...` : message}`;
  }
}

/** Names the other managers and their fields: `.data.x is argocd's`. */
function conflictIn(resource: string, causes: readonly Cause[]): string {
  const fields = new Map<string, string[]>();
  for (const { message = '', field = '' } of causes) {
    const manager = /conflict with "([^"]+)"/.exec(message)?.[1] ?? 'another manager';
    fields.set(manager, [...(fields.get(manager) ?? []), field]);
  }
  const owners = [...fields].map(([manager, each]) => `${manager} manages ${each.join(', ')}`);
  return `${resource} is not taken over: ${owners.join('; ')}.`;
}

/** `create serviceaccounts/token in namespace shop`, from the sentence of the API server's authorizer. */
function rightIn(message: string): string | undefined {
  const match = /cannot (\w+) (?:resource )?"([^"]+)"(?: in API group "([^"]*)")?(?: in the namespace "([^"]+)")?/.exec(
    message,
  );
  if (!match) return undefined;
  const [, verb, resource, group, namespace] = match;
  return `${verb} ${resource}${group ? `.${group}` : ''}${namespace ? ` in namespace ${namespace}` : ''}`;
}

/** What was thrown instead of an answer: no connection, no name, no trust; or an answer that is none. */
export function problemOf(error: unknown, server: string, resource = server): Problem {
  if (error instanceof Problem) return error;
  const odd = deepest(error);
  if (odd instanceof Odd) {
    const words = `${resource}: the cluster answered in a form that is not understood: ${odd.message}.`;
    return new Problem('broken', resource, words, { said: { by: 'Kubernetes', message: words }, cause: error });
  }
  const { code, message } = root(error);
  return new Problem('broken', server, `${server} cannot be reached${code ? ` (${code})` : ''}: ${message}`, {
    said: { by: 'Kubernetes', ...(code ? { code } : {}), message },
    cause: error,
  });
}

/** Whether sending again may help. */
export function isLost(error: unknown): boolean {
  if (error instanceof Problem) return false;
  if (error instanceof Unanswered) return true;
  const { code = '' } = root(error);
  return /^(ECONNRESET|ECONNREFUSED|ETIMEDOUT|EPIPE|EAI_AGAIN|UND_ERR_SOCKET|UND_ERR_CONNECT_TIMEOUT)$/.test(code);
}

/** `fetch failed` says nothing: the reason is the innermost cause. */
function root(error: unknown): { readonly code?: string; readonly message: string } {
  const cause = deepest(error);
  if (!(cause instanceof Error)) return { message: String(cause) };
  const { code } = cause as NodeJS.ErrnoException;
  return { ...(typeof code === 'string' ? { code } : {}), message: cause.message };
}

function deepest(error: unknown): unknown {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause;
}

/** What of it is as it should be; a proxy on the way may say anything. */
function statusOf(body: string): Status {
  let said: unknown;
  try {
    said = JSON.parse(body);
  } catch {
    return { causes: [] };
  }
  const { causes } = Object(Object(said).details) as Record<string, unknown>;
  return { ...textsOf(said), causes: Array.isArray(causes) ? causes.map(textsOf) : [] };
}

function textsOf(said: unknown): Cause {
  const { reason, message, field } = Object(said) as Record<string, unknown>;
  return {
    ...(typeof reason === 'string' && reason !== '' && { reason }),
    ...(typeof message === 'string' && message !== '' && { message: redact(message).slice(0, LONGEST) }),
    ...(typeof field === 'string' && { field }),
  };
}

const codeOf = (status: number) => (status === 404 ? 'NotFound' : status === 401 ? 'Unauthorized' : `status ${status}`);
