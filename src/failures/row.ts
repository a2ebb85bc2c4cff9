/** What a fix may touch beyond the failure itself. */
type Risk =
  /** Nothing is lost and nobody may do more than before. */
  | 'none'
  /** Somebody may do more than before. */
  | 'access'
  /** Pods, or the API server, restart. */
  | 'restart'
  /** The whole cluster or subscription is changed. */
  | 'shared'
  /** Something is removed or replaced, or it cannot be undone. */
  | 'loss';

/** One way in which access to a secret fails. Ids are stable and never used again. */
export interface Row {
  readonly id: string;
  /** A statement that is true when this is the failure. */
  readonly title: string;
  /**
   * What shows it: one of the codes, and the text where both are given; the text alone where there are no codes.
   * Neither: it shows in the world alone, and whoever looks there names the row by its id.
   * Codes: `error.code` or `innererror.code` of Azure, AADSTS and AKV codes, reasons of Kubernetes.
   */
  readonly match: { readonly codes?: readonly string[]; readonly text?: RegExp };
  readonly cause: string;
  /** `run` is one line to paste, `<like this>` what we cannot know; it never destroys. */
  readonly fix: { readonly say: string; readonly run?: string };
  readonly risk: Risk;
}
