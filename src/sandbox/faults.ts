import type { Reply, Request } from './parts.ts';

/** Which requests a fault meets; all that is given must match. Strings compare exactly, patterns anywhere. */
export interface Match {
  readonly method?: string;
  readonly host?: string | RegExp;
  readonly path?: string | RegExp;
  /** So many of them pass before the first that is met. */
  readonly after?: number;
  /** Only requests of programs beyond the sandbox: not those of its own parts and pods. */
  readonly outside?: true;
}

/**
 * What comes instead of an answer. `reset`: the connection breaks before the request took effect. With the others it
 * takes effect: `reset after`: the connection breaks. `silence`: nothing ever comes. `truncated`: the connection breaks
 * in the middle of the answer. `half`: half of the body comes as if it were all of it.
 */
export type Break = 'reset' | 'reset after' | 'silence' | 'truncated' | 'half';

/** Faults of the wire. What can arise in the world itself (a missing role, a stopped cluster) is made there instead. */
export interface Faults {
  /**
   * The connection breaks at the n-th write from now on (the first is 1), before or after it took effect; from then on
   * every connection is refused until `heal`.
   */
  cutAtWrite(n: number, when: 'before' | 'after'): void;
  /** Answers matching requests with a reply of its own (they take no effect), or breaks them. Returns what takes it back. */
  failAt(match: Match, reply: Reply | Break, times?: number): () => void;
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
  ): Reply | Break | 'cut before' | 'cut after' | undefined;
  /** The connection is gone from now on. */
  setCut(): void;
  takeOperationError(): { readonly code: string; readonly message: string } | undefined;
}

export function createFaults(): FaultsInside {
  let planned: { left: number; readonly when: 'before' | 'after' } | undefined;
  let cut = false;
  let rules: { readonly match: Match; readonly reply: Reply | Break; pass: number; left: number }[] = [];
  let operationErrors: { readonly code: string; readonly message: string }[] = [];

  return {
    cutAtWrite(n, when) {
      planned = { left: n, when };
    },
    failAt(match, reply, times = Number.POSITIVE_INFINITY) {
      const rule = { match, reply, pass: match.after ?? 0, left: times };
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
      const outside = !inside && !isPod(request);
      for (const rule of rules) {
        if (rule.left <= 0 || (rule.match.outside && !outside) || !matches(rule.match, request)) continue;
        if (rule.pass-- > 0) continue;
        rule.left -= 1;
        return rule.reply;
      }
      return undefined;
    },
    setCut() {
      cut = true;
    },
    takeOperationError: () => operationErrors.shift(),
  };
}

/** A pod's script comes through a socket as other programs do. */
export const isPod = ({ headers }: Request) => headers['user-agent']?.startsWith('sandbox-pod/') === true;

const fits = (want: string | RegExp | undefined, is: string) =>
  want === undefined || (typeof want === 'string' ? want.toLowerCase() === is.toLowerCase() : want.test(is));

export const matches = (match: Match, request: Request) =>
  fits(match.method, request.method) && fits(match.host, request.host) && fits(match.path, request.path);
