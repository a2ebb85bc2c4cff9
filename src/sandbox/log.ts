import type { Request } from './parts.ts';

/** One request, as it was answered. Never a body or a header that could carry a value or a token. */
export interface LogEntry {
  /** Simulated time. */
  readonly at: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
  /** 0 when the connection was cut instead of an answer. */
  readonly status: number;
  readonly userAgent: string;
  /**
   * `write` changes the world; `token` asks for a token or credential, `read` for anything else (also by POST).
   */
  readonly kind: 'read' | 'write' | 'token';
  /** `direct` and `proxy` came through a socket; `inside` is one part of the sandbox asking another. */
  readonly via: Via;
  /** Where answers are given in waves (`waves.ts`): the number of this one's. */
  readonly wave?: number;
}
export type Via = 'direct' | 'proxy' | 'inside';

export interface Log {
  readonly entries: readonly LogEntry[];
  /** A place in the log, for `since`. */
  mark(): number;
  since(mark: number): readonly LogEntry[];
  add(entry: LogEntry): void;
}

/** A server that runs for days forgets what is this long ago. Marks stay valid. */
const KEPT = 100_000;

export function createLog(): Log {
  const entries: LogEntry[] = [];
  let forgotten = 0;
  return {
    entries,
    mark: () => forgotten + entries.length,
    since: (mark) => entries.slice(Math.max(mark - forgotten, 0)),
    add(entry) {
      entries.push(entry);
      if (entries.length > KEPT) forgotten += entries.splice(0, KEPT / 2).length;
    },
  };
}

/** POSTs that change nothing. */
const asking = [
  /\/checkNameAvailability$/i,
  /\/apis\/authorization\.k8s\.io\/v1\/(.*\/)?(self|local)?subject(access|rules)reviews$/i,
  /\/apis\/authentication\.k8s\.io\/v1\/(self)?subjectreviews$/i,
  /\/apis\/authentication\.k8s\.io\/v1\/tokenreviews$/i,
];
const tokens = [
  /\/oauth2\/(v2\.0\/)?token$/i,
  /\/listCluster(User|Admin)Credential$/i,
  /\/serviceaccounts\/[^/]+\/token$/i,
];

/** What a request does to the world. */
export function kindOf(request: Pick<Request, 'method' | 'path' | 'query'>): LogEntry['kind'] {
  if (['GET', 'HEAD', 'OPTIONS'].includes(request.method)) return 'read';
  if (tokens.some((pattern) => pattern.test(request.path))) return 'token';
  if (asking.some((pattern) => pattern.test(request.path)) || request.query.get('dryRun') === 'All') return 'read';
  return 'write';
}
