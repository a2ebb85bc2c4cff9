import type { Reply, Request } from './parts.ts';

/** Which requests a fault meets; all that is given must match. Strings compare exactly, patterns anywhere. */
export interface Match {
  readonly method?: string;
  readonly host?: string | RegExp;
  readonly path?: string | RegExp;
}

/** Faults of the wire. What can arise in the world itself (a missing role, a stopped cluster) is made there instead. */
export interface Faults {
  /**
   * The connection breaks at the n-th write from now on (the first is 1), before or after it took effect; from then on
   * every connection is refused until `heal`.
   */
  cutAtWrite(n: number, when: 'before' | 'after'): void;
  /** Answers matching requests with a reply of its own, or with a reset connection. Returns what takes it back. */
  failAt(match: Match, reply: Reply | 'reset', times?: number): () => void;
  /** The next long operation of a cluster or an extension ends with this error. */
  failOperation(error: { readonly code: string; readonly message: string }): void;
  /** No fault any more. */
  heal(): void;
  /** Whether the connection was cut. */
  readonly cut: boolean;
}

/** The faults, and what the server asks of them. */
export interface FaultsInside extends Faults {
  /** Called once per request of a client. */
  meet(
    request: Request,
    kind: 'read' | 'write' | 'token',
    inside: boolean,
  ): Reply | 'reset' | 'cut before' | 'cut after' | undefined;
  /** The connection is gone from now on. */
  setCut(): void;
  takeOperationError(): { readonly code: string; readonly message: string } | undefined;
}

export function createFaults(): FaultsInside {
  let planned: { left: number; readonly when: 'before' | 'after' } | undefined;
  let cut = false;
  let rules: { readonly match: Match; readonly reply: Reply | 'reset'; left: number }[] = [];
  let operationErrors: { readonly code: string; readonly message: string }[] = [];

  return {
    cutAtWrite(n, when) {
      planned = { left: n, when };
    },
    failAt(match, reply, times = Number.POSITIVE_INFINITY) {
      const rule = { match, reply, left: times };
      rules.push(rule);
      return () => {
        rules = rules.filter((other) => other !== rule);
      };
    },
    failOperation(error) {
      operationErrors.push(error);
    },
    heal() {
      planned = undefined;
      cut = false;
      rules = [];
      operationErrors = [];
    },
    get cut() {
      return cut;
    },
    meet(request, kind, inside) {
      if (planned && kind === 'write' && !inside && --planned.left === 0) {
        const when = planned.when;
        planned = undefined;
        return `cut ${when}`;
      }
      const rule = rules.find(({ match, left }) => left > 0 && matches(match, request));
      if (!rule) return undefined;
      rule.left -= 1;
      return rule.reply;
    },
    setCut() {
      cut = true;
    },
    takeOperationError: () => operationErrors.shift(),
  };
}

const fits = (want: string | RegExp | undefined, is: string) =>
  want === undefined || (typeof want === 'string' ? want.toLowerCase() === is.toLowerCase() : want.test(is));

export const matches = (match: Match, request: Request) =>
  fits(match.method, request.method) && fits(match.host, request.host) && fits(match.path, request.path);
