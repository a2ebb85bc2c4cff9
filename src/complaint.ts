/** What is wrong, for whoever asked: one entry of the document `Failure`, or one block of an error report. */
export interface Complaint {
  /** What happened, in one sentence. */
  readonly message: string;
  /** Id in the catalogue of failures. */
  readonly failure?: string;
  /** To which resource, as a person names it: `vault demo-kv`. */
  readonly resource?: string;
  /** Path as the user gave it. */
  readonly file?: string;
  /** Counted from 1. */
  readonly line?: number;
  readonly cause?: string;
  /** What to do about it; `run` is one line that can be pasted. */
  readonly fix?: { readonly say: string; readonly run?: string };
  /** The service's own code and request id, kept for support. */
  readonly azure?: { readonly code?: string; readonly requestId?: string };
}

/** Everything that is wrong, said at once. Thrown by whatever reads input; a command turns it into report and exit code. */
export class Complaints extends Error {
  readonly complaints: readonly Complaint[];
  /** 2 (usage or file) unless something else is the matter. */
  readonly exitCode: number;

  constructor(complaints: readonly Complaint[], exitCode = 2) {
    super(complaints.map(sentence).join('\n'));
    this.name = 'Complaints';
    this.complaints = complaints;
    this.exitCode = exitCode;
  }
}

/** `file:line: message`, as editors and people read it. */
export function sentence({ file, line, message }: Complaint): string {
  const place = file === undefined ? '' : line === undefined ? `${file}: ` : `${file}:${line}: `;
  return place + message;
}
