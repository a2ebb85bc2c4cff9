/** Where the chain breaks, in the order in which one thing rests on another. Each has a folder's worth of rows. */
export const LAYERS = {
  azure: 'Azure Resource Manager',
  cluster: 'Cluster and webhook',
  entra: 'Entra: token exchange and sign-in',
  network: 'Network',
  vault: 'Key Vault: access',
  object: 'Key Vault: secrets, keys and certificates',
  pod: 'Pod and service account',
  csi: 'Secrets Store CSI driver',
  eso: 'External Secrets Operator',
  dapr: 'Dapr',
} as const;
export type Layer = keyof typeof LAYERS;

/** What a fix may touch beyond the failure itself. What destroys is a sentence and never a line to paste. */
export type Risk =
  /** Nothing is lost, nothing restarts, and nobody may do more than before. */
  | 'none'
  /** Pods, or the API server, restart. */
  | 'restarts'
  /** It reaches beyond this workload: somebody may do more than before, or a setting of the whole cluster changes. */
  | 'widens'
  /** Something is removed or replaced. */
  | 'destroys';

/** Who can name it: from the world as it stands, on a write, from manifests alone, from a text. */
export type Seer = 'verify' | 'init' | 'lint' | 'explain';

/** A way of delivering secrets that a failure concerns; none named: all of them. */
export type Concern = 'workload-identity' | 'csi' | 'dapr' | 'external-secrets';

/**
 * One thing that shows a failure.
 *
 * Phrases are found whatever stands between their letters: blanks, line breaks, quotes, escapes, colours, emphasis; upper
 * and lower case are alike. `…` stands for some words that differ each time, `~` for a name, `{a|b}` for one or the other.
 */
export interface Clue {
  /** A stable code: of Azure, Entra (`AADSTS700213`), Key Vault, Dapr; a reason of Kubernetes; a whole word in a text. */
  readonly code?: string;
  /** Or what is said. */
  readonly says?: string;
  /** All of these stand near it. */
  readonly with?: readonly string[];
  /** None of these stands close to it: they would make it something else. */
  readonly without?: readonly string[];
  /** People's own words or a mere sign: counts only in a pasted text, and after whatever is surer. */
  readonly vague?: true;
}

/** One way in which access to a secret fails. Ids are stable and never used again. */
export interface Row {
  readonly id: string;
  /** A statement that is true when this is the failure. */
  readonly title: string;
  readonly layer: Layer;
  /** Absent: it concerns every method. */
  readonly methods?: readonly Concern[];
  readonly seenBy: readonly Seer[];
  /** What shows it, any of these. Empty: it shows in the world alone, and whoever looks there names the row by its id. */
  readonly match: readonly Clue[];
  /** Why, in one or two sentences. */
  readonly cause: string;
  /** `run` is one line to paste in bash and PowerShell, `<like this>` what we cannot know; it never destroys. */
  readonly fix: { readonly say: string; readonly run?: string };
  readonly risk: Risk;
  /** The same state of the world under another name: either is right. */
  readonly sameWorldAs?: readonly string[];
  /** Rows that say less about the same words: where this one fits, they are left out. */
  readonly insteadOf?: readonly string[];
  /** It only reports another failure, whose cause comes first. */
  readonly wraps?: true;
}
