import { Unanswered } from '../answer.ts';
import { redact } from '../secret.ts';
import { Odd } from '../shape.ts';
import { Problem, type Said, type Trouble } from '../trouble.ts';

/** What came back, before any SDK has made something of it. */
export interface Refusal {
  readonly by: Said['by'];
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** `Retry-After` in milliseconds. */
  readonly retryAfter?: number | undefined;
}

interface Rule {
  readonly code?: RegExp;
  readonly status?: number;
  /** Narrows a code that Azure uses for several things. */
  readonly text?: RegExp;
  readonly trouble: Trouble;
}

/**
 * Status and code → trouble: the first rule that fits. The one place that knows Azure's codes.
 * Codes are Azure's `error.code`, or the most particular `innererror.code`, or the code at the head of the message
 * (`AKV10032`, `AADSTS700213`).
 */
const TABLE: readonly Rule[] = [
  // The whole subscription is unknown, which is not "this resource is absent".
  { code: /^(SubscriptionNotFound|InvalidSubscriptionId|NoRegisteredProviderFound)$/, trouble: 'refused' },
  { code: /^MissingSubscriptionRegistration$/, trouble: 'refused' },
  { code: /^(ExpiredAuthenticationToken|InvalidAuthenticationToken\w*|AuthenticationFailed\w*)$/, trouble: 'unsigned' },
  // Who presents a token of another tenant or audience to a vault is signed in, but in the wrong place.
  { code: /^AKV\d+$/, status: 401, trouble: 'refused' },
  // A federation refusal may be "not yet" or for good: whoever knows the age of the credential decides by the code.
  { code: /^AADSTS\d+$/, trouble: 'refused' },
  { code: /^PrincipalNotFound$/, trouble: 'not yet' },
  // Graph's codes are its own: of an application that somebody may not touch, and of a name that is taken.
  { code: /^Authorization_RequestDenied$/, trouble: 'denied' },
  { code: /^Request_MultipleObjectsWithSameKeyValue$/, trouble: 'refused' },
  {
    code: /^(AuthorizationFailed|LinkedAuthorizationFailed|ForbiddenByRbac|ForbiddenByPolicy|AccessDenied)$/,
    trouble: 'denied',
  },
  {
    code: /^(RequestDisallowedBy\w+|ForbiddenByFirewall|ForbiddenByConnection|SecretDisabled|KeyDisabled|CertificateDisabled)$/,
    trouble: 'refused',
  },
  {
    code: /^(ScopeLocked|RoleAssignmentExists|RoleAssignmentLimitExceeded|RoleAssignmentUpdateNotPermitted)$/,
    trouble: 'refused',
  },
  {
    code: /^(VaultAlreadyExists|VaultNameNotValid|ObjectIsDeletedButRecoverable|ReadOnlyDisabledSubscription)$/,
    trouble: 'refused',
  },
  { code: /Quota|LimitExceeded|^SkuNotAvailable$/, trouble: 'refused' },
  // OperationNotAllowed is said for a running operation, for a stopped cluster and for a quota.
  { code: /^OperationNotAllowed$/, text: /quota|approved .* cores|stopped|power ?state/i, trouble: 'refused' },
  {
    code: /^(ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity|OperationNotAllowed|EtagMismatch|PreconditionFailed|AnotherOperationInProgress|ObjectIsBeing(Deleted|Recovered)|RetryableError|TooManyRequests|VaultRequestTypeLimitReached|Throttled)$/,
    trouble: 'busy',
  },
  // Of an extension of the cluster.
  { code: /^UpdateFailed$/, text: /conflicting operation in progress/i, trouble: 'busy' },
  { status: 404, trouble: 'missing' },
  {
    code: /^(ResourceNotFound|ResourceGroupNotFound|ParentResourceNotFound|SecretNotFound|KeyNotFound|CertificateNotFound)$/,
    trouble: 'missing',
  },
  { status: 401, trouble: 'unsigned' },
  { status: 403, trouble: 'denied' },
  { status: 412, trouble: 'busy' },
  { status: 429, trouble: 'busy' },
  { status: 408, trouble: 'broken' },
  // "Conflict" without anything more particular: another write got in between.
  { code: /^Conflict(Error)?$/, status: 409, trouble: 'busy' },
];

/** The trouble that a status and code mean. */
function troubleOf(status: number | undefined, code: string | undefined, message: string): Trouble {
  for (const rule of TABLE) {
    if (rule.status !== undefined && rule.status !== status) continue;
    if (rule.code && !(code && rule.code.test(code))) continue;
    if (rule.text && !rule.text.test(message)) continue;
    return rule.trouble;
  }
  return status === undefined || status >= 500 ? 'broken' : 'refused';
}

/** The problem that an answer with status 400 and above is. */
export function refusalOf(refusal: Refusal, resource: string): Problem {
  const { code, message } = readError(refusal.body, refusal.status);
  const { right, scope } = rightIn(message);
  return described(
    resource,
    {
      by: refusal.by,
      status: refusal.status,
      ...(code ? { code } : {}),
      message,
      ...withId(
        refusal.headers['x-ms-request-id'] ?? refusal.headers['request-id'] ?? /Trace ID: ([\w-]+)/i.exec(message)?.[1],
      ),
    },
    { right, scope, retryAfter: refusal.retryAfter },
  );
}

/** A long-running operation that ended badly: its own error, as its result says it. */
export function failureOf(
  error: { code?: string; message?: string } | undefined,
  resource: string,
  requestId?: string,
): Problem {
  const code = error?.code ?? 'OperationFailed';
  const message = error?.message ?? 'The operation failed and does not say why.';
  const trouble = troubleOf(400, code, message);
  return new Problem(trouble, resource, `${resource}: ${firstLine(message)}`, {
    said: { by: 'Azure', code, message, ...withId(requestId) },
  });
}

/**
 * Makes a problem of whatever was thrown: by a connection, by @azure/identity, or by an SDK that met an answer that its
 * model does not know.
 */
export function problemOf(error: unknown, resource: string): Problem {
  if (error instanceof Problem) return error;
  const message = error instanceof Error ? error.message : String(error);
  const aadsts = /AADSTS\d+/.exec(message)?.[0];
  if (aadsts) {
    return described(resource, {
      by: 'Entra',
      code: aadsts,
      message,
      ...withId(/Trace ID: ([\w-]+)/i.exec(message)?.[1]),
    });
  }
  const code = codeOf(error);
  const host = /ENOTFOUND ([\w.-]+)/.exec(message)?.[1];
  // A vault that is not there has no name in DNS; of any other host it only says that there is no network.
  if (code === 'ENOTFOUND' && host && /^[^.]+\.vault\./.test(host)) {
    return new Problem('missing', resource, `${resource}: the host ${host} does not exist.`, {
      said: { by: 'Azure', code, message },
      cause: error,
    });
  }
  if (isOdd(error, code)) {
    // What the error itself says may quote the answer, and so a value.
    const words = `${resource} answered in a form that is not understood${error instanceof Odd ? `: ${message}` : ''}.`;
    return new Problem('broken', resource, words, { said: { by: 'Azure', message: words }, cause: error });
  }
  return new Problem('broken', resource, `${resource} cannot be reached: ${firstLine(message)}`, {
    said: { by: 'Azure', ...(code ? { code } : {}), message },
    cause: error,
  });
}

/** An answer that we, or the model of an SDK, could not read. */
const isOdd = (error: unknown, code: string | undefined): boolean =>
  error instanceof Odd ||
  error instanceof SyntaxError ||
  error instanceof RangeError ||
  code?.startsWith('ERR_INVALID_') === true ||
  (error instanceof TypeError && code === undefined);

/** Node's code of a failed connection, also from within a cause. */
export function codeOf(error: unknown): string | undefined {
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    const code = (each as NodeJS.ErrnoException).code;
    if (typeof code === 'string') return code;
  }
  return undefined;
}

/** Whether sending again may help: the connection was lost, not refused for a reason that stays. */
export function isLost(error: unknown): boolean {
  if (error instanceof Problem) return false;
  if (error instanceof Unanswered) return true;
  const code = codeOf(error);
  if (code === undefined) return error instanceof Error && /socket hang up|terminated/i.test(error.message);
  return /^(ECONNRESET|ECONNREFUSED|ECONNABORTED|ETIMEDOUT|EPIPE|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|REQUEST_SEND_ERROR|PARSE_ERROR|UND_ERR_SOCKET|UND_ERR_CONNECT_TIMEOUT)$/.test(
    code,
  );
}

function described(
  resource: string,
  said: Said,
  more: { right?: string | undefined; scope?: string | undefined; retryAfter?: number | undefined } = {},
): Problem {
  const trouble = troubleOf(said.status, said.code, said.message);
  return new Problem(trouble, resource, sentenceOf(trouble, resource, said, more), {
    said,
    right: more.right,
    retryAfter: more.retryAfter,
  });
}

function sentenceOf(
  trouble: Trouble,
  resource: string,
  said: Said,
  { right, scope }: { right?: string | undefined; scope?: string | undefined },
): string {
  const words = firstLine(said.message);
  switch (trouble) {
    case 'missing':
      return `${resource} does not exist.`;
    case 'denied':
      return `You may not do that: ${right ?? 'a right'} on ${scope ?? resource} is missing.`;
    case 'unsigned':
      return `${said.by} does not accept the sign-in, az login renews it: ${words}`;
    case 'busy':
      return said.status === 429
        ? `${said.by} limits the rate of requests: ${resource}.`
        : `${resource} is being changed by somebody else: ${words}`;
    case 'not yet':
      return `${resource}: Entra does not know the identity yet.`;
    case 'refused':
      return `${resource}: ${words}`;
    case 'broken':
      return `${said.by} failed to answer for ${resource} (${said.status ?? said.code}): ${words}`;
  }
}

interface ErrorBody {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly innererror?: ErrorBody;
}

/** The most particular code, and the message, of the error bodies of ARM, Key Vault and Entra. */
export function readError(body: string, status: number): { readonly code?: string; readonly message: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { message: firstLine(redact(body)) || `status ${status}` };
  }
  const root = (parsed ?? {}) as { error?: unknown; error_description?: unknown; message?: unknown; code?: unknown };
  if (typeof root.error === 'string') {
    const message = redact(typeof root.error_description === 'string' ? root.error_description : root.error);
    return { code: /AADSTS\d+/.exec(message)?.[0] ?? root.error, message };
  }
  const error = (root.error ?? root) as ErrorBody;
  const message =
    typeof error.message === 'string' && error.message !== '' ? redact(error.message) : `status ${status}`;
  let code = typeof error.code === 'string' ? error.code : undefined;
  for (let inner = error.innererror; inner; inner = inner.innererror) {
    if (typeof inner.code === 'string') code = inner.code;
  }
  code = /^(AKV\d+)\b/.exec(message)?.[1] ?? code;
  return { ...(code ? { code } : {}), message };
}

/** The right that is missing and where, from the sentences of Resource Manager and Key Vault. */
function rightIn(message: string): { readonly right?: string; readonly scope?: string } {
  const linked =
    /does not have permission to perform action\(?s?\)? ['"]([^'"]+)['"] on the linked scope\(s\) ['"]([^'"]+)['"]/i.exec(
      message,
    );
  const plain = /perform action ['"]([^'"]+)['"] over scope ['"]([^'"]+)['"]/i.exec(message);
  const found = linked ?? plain;
  if (found) return { right: found[1]!, scope: found[2]! };
  const data = /Action: '([^']+)'/.exec(message);
  if (data) {
    const scope = /Resource: '([^']+)'/.exec(message)?.[1];
    return { right: data[1]!, ...(scope ? { scope } : {}) };
  }
  const policy = /does not have (\w+) (\w+) permission on key vault '([^;']+)/i.exec(message);
  if (policy) return { right: `${policy[1]} ${policy[2]}`, scope: `vault ${policy[3]}` };
  return {};
}

const withId = (requestId: string | undefined) => (requestId ? { requestId } : {});
/** What is said in words. Without ids that differ each time: the same refusal must read the same (said keeps them). */
const firstLine = (text: string) =>
  redact(text)
    .trim()
    .slice(0, 2000)
    .split(/\r?\n|\s*Trace ID:/)[0]!
    .slice(0, 500);
