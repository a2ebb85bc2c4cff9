/**
 * What every error of Azure and of Kubernetes is made into at the edge (`azure/`, `kubernetes/`), so that nobody else
 * knows status codes:
 * - `missing`: the thing is not there
 * - `denied`: the caller lacks a right
 * - `unsigned`: nobody is signed in, or the sign-in has ended
 * - `busy`: somebody else is writing, or a limit of rate is reached; the same call may succeed soon
 * - `not yet`: something accepted has not arrived everywhere (PrincipalNotFound and the like)
 * - `refused`: the request itself is not acceptable (policy, lock, quota, invalid value); the same call fails again
 * - `broken`: the connection or the service failed
 */
export type Trouble = 'missing' | 'denied' | 'unsigned' | 'busy' | 'not yet' | 'refused' | 'broken';

/** What a service said, kept for the error report; never the request, which carries body and token. */
export interface Said {
  readonly by: 'Azure' | 'Entra' | 'Key Vault' | 'Kubernetes';
  readonly status?: number;
  /** The stable code: `AuthorizationFailed`, `ForbiddenByRbac`, `AADSTS700213`, `Conflict`. */
  readonly code?: string;
  readonly message: string;
  readonly requestId?: string;
}

/** What a token said of itself that was not accepted. */
export interface PresentedClaims {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
}

/** A failed call, in the program's own words. */
export class Problem extends Error {
  readonly trouble: Trouble;
  /** The resource it happened to, as a person names it: `vault demo-kv`. */
  readonly resource: string;
  readonly said: Said | undefined;
  /** The right that is missing, where it is known: `Microsoft.Authorization/roleAssignments/write`. */
  readonly right: string | undefined;
  /** What helps to understand it and is too long for a line of progress: presented against expected. */
  readonly detail: string | undefined;
  /** Milliseconds after which the service wants to be asked again (`Retry-After`). */
  readonly retryAfter: number | undefined;
  /** Of a token that was refused: what is compared with what is registered. */
  readonly presented: PresentedClaims | undefined;

  constructor(
    trouble: Trouble,
    resource: string,
    message: string,
    more: {
      said?: Said | undefined;
      right?: string | undefined;
      retryAfter?: number | undefined;
      detail?: string | undefined;
      presented?: PresentedClaims | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = 'Problem';
    this.trouble = trouble;
    this.resource = resource;
    this.said = more.said;
    this.right = more.right;
    this.retryAfter = more.retryAfter;
    this.detail = more.detail;
    this.presented = more.presented;
  }
}

/** Runs a read that may find nothing: `missing` becomes `undefined`, everything else is thrown on. */
export async function orAbsent<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof Problem && error.trouble === 'missing') return undefined;
    throw error;
  }
}

/** Runs a read that the caller may not be allowed: `denied` becomes `instead`, everything else is thrown on. */
export async function orDenied<T, const D>(read: Promise<T>, instead: D): Promise<T | D> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof Problem && error.trouble === 'denied') return instead;
    throw error;
  }
}
