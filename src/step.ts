import { FACTS, type Fact, type Facts, oddFactOf } from './facts.ts';
import { Odd } from './shape.ts';
import type { World } from './world.ts';

/** Names its subject: `cluster/shop-aks`, `federation/orders-id/shop:orders`. */
export type StepId = string;

/** A fact that another step yields. References are the edges of the graph. */
export interface Ref {
  readonly step: StepId;
  readonly fact: Fact;
}
export type Needs = Readonly<Record<string, Ref>>;
export type Known<N extends Needs> = { readonly [K in keyof N]: string };

/** Stands for a fact that exists only once its step has acted; equal to nothing real, so a comparison with it fails. */
export const KNOWN_AFTER_APPLY = '<known after apply>';

/** What a change must be allowed besides `--yes` (PRODUCT: `--allow`). */
export type Consent = 'cluster' | 'install' | 'irreversible' | 'default-service-account';

/** How long the world may lag behind an accepted write. `patience.ts` gives each its budget. */
export type Pace = 'at once' | 'seconds' | 'minutes' | 'long operation';

export interface Difference {
  /** What differs, as a person names it: `OIDC issuer`, `metadata.annotations["…/client-id"]`. */
  readonly path: string;
  readonly is: string;
  readonly want: string;
  readonly consent?: readonly Consent[];
  /** Said beside it in the plan: "cannot be undone, restarts the API server". */
  readonly warning?: string;
  readonly irreversible?: boolean;
  readonly costs?: boolean;
}

/** The links of the chain, in causal order: where a check stands in what `verify` prints. */
export const CATEGORIES = [
  'rights',
  'cluster',
  'identity',
  'vault',
  'objects',
  'exchange',
  'pod',
  'freshness',
] as const;
export type Category = (typeof CATEGORIES)[number];

/** What `verify` prints; a plan looks only at the state. */
export interface Finding {
  readonly check: string;
  readonly title: string;
  readonly verdict: 'pass' | 'warn' | 'fail' | 'unknown';
  /** Id in the catalogue of failures. */
  readonly failure?: string;
  readonly observed?: string;
  readonly expected?: string;
  /** Better than the catalogue's where the names are known; `run` is one line to paste, and never destroys. */
  readonly fix?: { readonly say: string; readonly run?: string };
  /** What Entra compares byte for byte, where it does not fit. */
  readonly compared?: readonly Compared[];
  /** What the caller of this program may not do: then it is `unknown`, and no fault of the workload. */
  readonly right?: string;
  /** On its way: looking again may end otherwise. */
  readonly young?: true;
  /** Another link than that of the step or check: what follows from those does not follow from it. */
  readonly category?: Category;
}

/** One of the things that Entra compares: what is registered at the identity, and what a token presents. */
export interface Compared {
  readonly what: 'issuer' | 'subject' | 'audience';
  readonly registered: string;
  readonly presented: string;
}

export interface Judged {
  /**
   * - `absent`, `differs`: converge is called
   * - `settling`: the world is on its way, nothing to do but look again (`note` says what is awaited)
   * - `as wanted`; `good enough`: access works by other means (`note` says by what)
   * - `blocked`: only somebody else can change it (`note` says why, `run` what they run)
   */
  readonly state: 'absent' | 'differs' | 'settling' | 'as wanted' | 'good enough' | 'blocked';
  /** Who owns what was found: `ours` is what `destroy` may remove. */
  readonly owner: 'ours' | 'theirs';
  /** Azure's own date of the last change; a refusal that rests on it is "not yet" while this is young. */
  readonly since?: Date;
  readonly facts: Facts;
  readonly differences: readonly Difference[];
  /** Id in the catalogue of failures of what is not well. */
  readonly failure?: string;
  /** Taken for granted, since the caller may not look: the right that he lacks. To `verify` it is unknown. */
  readonly unseen?: string;
  readonly findings?: readonly Finding[];
  /** One sentence for the plan or the progress line: "also opens 10 other secrets". */
  readonly note?: string;
  /** A line to paste for whoever can change it; one line, never one that destroys. */
  readonly run?: string;
}

/** What `destroy` does with what a step finds, and what it leaves. */
export interface Removal {
  /**
   * - `absent`: there is nothing
   * - `going`: it is on its way out already, nothing to do but look again (`note` says what is awaited)
   * - `remove`: it goes, with all that `takes` names (`note` says what a person would not expect)
   * - `leave`: it stays (`note` says why, `run` is the line that would remove it: shown as what it is, never as a fix)
   */
  readonly state: 'absent' | 'going' | 'remove' | 'leave';
  /** Ids of all that goes: whoever comes later counts them as gone, whatever a list that lags still shows. */
  readonly takes?: readonly string[];
  readonly note?: string;
  readonly run?: string;
  /** What lies beside it and stays. */
  readonly beside?: readonly Stays[];
}

/** A thing that no step is about and that stays in place. */
export interface Stays {
  readonly kind: string;
  readonly subject: string;
  readonly note: string;
  readonly run?: string;
}

/** What a removal is decided by besides what the step saw. */
export interface Leaving<Surveyed = unknown> {
  /** Workloads of the same file that it serves too, and that stay. */
  readonly others: readonly string[];
  /** Ids of what is removed before it. */
  readonly going: ReadonlySet<string>;
  readonly surveyed: Surveyed;
}

/** One thing that must be true of the world. It looks, judges and acts; it never loops, waits, prints or asks. */
export interface Step<N extends Needs = Needs, Seen = unknown, Surveyed = unknown> {
  readonly id: StepId;
  /** What the plan's left column says: `role`, `SecretProviderClass`. */
  readonly kind: string;
  /** What it is about: `orders-id`, `shop/orders`. */
  readonly subject: string;
  /** A statement that is true when all is well: `orders-id trusts shop/orders`. */
  readonly title: string;
  readonly side: 'Azure' | 'Kubernetes';
  /** Its link in the chain; absent: `verify` does not ask it (a method asks the cluster in its own way, `examine`). */
  readonly category?: Category;
  /** Whom it serves. */
  readonly workloads: readonly string[];
  /** The edges of the graph, and all that judge and converge may know of others. */
  readonly needs: N;
  readonly yields: readonly Fact[];
  /** Those of its facts that no converge changes: known as soon as the thing is seen, so nobody waits for the rest. */
  readonly standing?: readonly Fact[];
  /** Comes after these whatever became of them (taking back a temporary grant). */
  readonly behind?: readonly StepId[];
  /** Ids of checks that it comes after, and only where none of them failed: what cannot work is not deployed. */
  readonly proven?: readonly string[];
  /** `identity/orders-id`: writes of one lane never overlap; reads and waits do. */
  readonly lane?: string;
  readonly settles?: Pace;
  /** Said in a plan only when it has something to change. */
  readonly quiet?: boolean;
  /** Looks, by names that the Spec alone gives. All steps at once; equal reads are shared by the world. */
  observe(world: World): Promise<Seen>;
  /** Decides, without looking. Pure. Facts that are not known yet are `KNOWN_AFTER_APPLY`. */
  judge(seen: Seen, known: Known<N>): Judged;
  /** Acts once. What it returns is judged as the new state; nothing returned means: look again. */
  converge(world: World, seen: Seen, known: Known<N>): Promise<Seen | undefined>;
  /** Looks at what else a removal depends on: who else lives by it. Only `destroy` asks; equal reads are shared. */
  survey?(world: World): Promise<Surveyed>;
  /**
   * Decides what `destroy` does with it, without looking. Pure; the plan says what it says, and it is asked again, of a
   * new look, before it is acted on. Absent: what is ours goes if there is a `remove`, and everything else stays.
   */
  removal?(seen: Seen, known: Known<N>, leaving: Leaving<Surveyed>): Removal;
  /**
   * Looks for what else in the world serves, where `judge` found something broken, and answers the findings anew. Only
   * `verify` asks: a plan makes its own.
   */
  appeal?(world: World, findings: readonly Finding[]): Promise<readonly Finding[]>;
  /** Takes away what the removal says, and decides nothing. Acts once. Absent: `destroy` leaves it and says so. */
  remove?(world: World, seen: Seen, known: Known<N>, removal: Removal): Promise<void>;
  /** A removal comes after that of these, besides all that builds on it: a credential goes before the access by it. */
  readonly outlives?: readonly StepId[];
  /** Manifests: the YAML, open facts shown as such. */
  preview?(known: Known<N>): string;
  /** The equivalent `az` or `kubectl` line, for whoever has a right that we lack. One line. */
  byHand?(known: Known<N>): string;
  /**
   * What a bash script runs in place of converge (`export --format script`), by `shell.ts`. A fact that does not exist
   * yet is a variable; `seen` is absent where it could not be looked at yet. Safe to run twice, and nothing destroys.
   * Called for what is settling too: then its lines wait. Absent: `byHand` is the line.
   */
  recipe?(seen: Seen | undefined, known: Known<N>): readonly string[];
  /** Commands that print a fact of it once it is there: how a script learns what does not exist yet. */
  readonly asks?: Readonly<Partial<Record<Fact, string>>>;
  /** The Kubernetes object as text, for whoever applies it himself. */
  readonly manifest?: Manifest<N, Seen>;
  /** What is taken to hold of it where the cluster cannot be looked at and manifests are only written. */
  readonly assumes?: Facts;
}

export interface Manifest<N extends Needs = Needs, Seen = unknown> {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  /** The needs that its text names; the others are only its order. */
  readonly holes: readonly (keyof N & string)[];
  /** Nothing where the object found is somebody else's to declare. */
  text(seen: Seen | undefined, known: Known<N>): string | undefined;
}

/**
 * Holds a step to its own needs and to what it saw, then lets it pass as any step. What it makes of a service's answer is
 * a fact only if it looks like one: @throws {Odd} from `judge`
 */
export const defineStep = <N extends Needs, Seen, Surveyed = unknown>(step: Step<N, Seen, Surveyed>): Step =>
  ({
    ...step,
    judge(seen: Seen, known: Known<N>): Judged {
      const judged = step.judge(seen, known);
      const odd = oddFactOf(judged.facts, Object.values(known));
      if (odd !== undefined) throw new Odd(`it has no ${FACTS[odd]}`);
      return judged;
    },
  }) as unknown as Step;

/** A reference to a fact that `step` yields. */
export const ref = (step: Pick<Step, 'id'>, fact: Fact): Ref => ({ step: step.id, fact });

/** What only a running thing can show; asked after apply, and by `verify`. */
export interface Check {
  readonly id: string;
  readonly title: string;
  readonly workload: string;
  /** Absent: `exchange`. */
  readonly category?: Category;
  readonly needs: Needs;
  /** Steps and checks; not asked when one of these failed. */
  readonly after: readonly string[];
  readonly settles?: Pace;
  /** The same in a bash script, as the lines of a step. */
  recipe?(known: Known<Needs>): readonly string[];
  /** Throws a `Problem` for what may still come (`not yet`, `denied` while young); the engine has the patience. */
  run(world: World, known: Known<Needs>): Promise<readonly Finding[]>;
}
