import type { Fact, Facts } from './facts.ts';
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

/** What `verify` prints; a plan looks only at the state. */
export interface Finding {
  readonly check: string;
  readonly title: string;
  readonly verdict: 'pass' | 'warn' | 'fail' | 'unknown';
  /** Id in the catalogue of failures. */
  readonly failure?: string;
  readonly observed?: string;
  readonly expected?: string;
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
  readonly findings?: readonly Finding[];
  /** One sentence for the plan or the progress line: "also opens 10 other secrets". */
  readonly note?: string;
  /** A line to paste for whoever can change it; one line, never one that destroys. */
  readonly run?: string;
}

/** One thing that must be true of the world. It looks, judges and acts; it never loops, waits, prints or asks. */
export interface Step<N extends Needs = Needs, Seen = unknown> {
  readonly id: StepId;
  /** What the plan's left column says: `role`, `SecretProviderClass`. */
  readonly kind: string;
  /** What it is about: `orders-id`, `shop/orders`. */
  readonly subject: string;
  /** A statement that is true when all is well: `orders-id trusts shop/orders`. */
  readonly title: string;
  readonly side: 'Azure' | 'Kubernetes';
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
  /**
   * Takes away what is ours and serves these workloads alone; absent: `destroy` leaves it and says so. What it must know
   * of others it reads anew: what builds on it is removed before, and a credential before the access by it.
   */
  remove?(world: World, seen: Seen, known: Known<N>): Promise<void>;
  /** Manifests: the YAML, open facts shown as such. */
  preview?(known: Known<N>): string;
  /** The equivalent `az` or `kubectl` line, for whoever has a right that we lack. One line. */
  byHand?(known: Known<N>): string;
}

/** Holds a step to its own needs and to what it saw, then lets it pass as any step. */
export const defineStep = <N extends Needs, Seen>(step: Step<N, Seen>): Step => step as unknown as Step;

/** A reference to a fact that `step` yields. */
export const ref = (step: Pick<Step, 'id'>, fact: Fact): Ref => ({ step: step.id, fact });

/** What only a running thing can show; asked after apply, and by `verify`. */
export interface Check {
  readonly id: string;
  readonly title: string;
  readonly workload: string;
  readonly needs: Needs;
  /** Not asked when one of these failed. */
  readonly after: readonly StepId[];
  readonly settles?: Pace;
  /** Throws a `Problem` for what may still come (`not yet`, `denied` while young); the engine has the patience. */
  run(world: World, known: Known<Needs>): Promise<readonly Finding[]>;
}
