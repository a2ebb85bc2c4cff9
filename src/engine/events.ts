import type { Facts } from '../facts.ts';
import type { Consent, Difference, Finding, Pace, StepId } from '../step.ts';
import type { Problem } from '../trouble.ts';

export type Action = 'create' | 'update' | 'keep' | 'later' | 'blocked' | 'remove' | 'leave';

/** One line of a plan. */
export interface Change {
  readonly id: StepId;
  readonly kind: string;
  readonly subject: string;
  readonly side: 'Azure' | 'Kubernetes';
  readonly workloads: readonly string[];
  readonly title: string;
  readonly action: Action;
  readonly differences: readonly Difference[];
  /** Consents that the change needs and that were not given: then `action` is `blocked`. */
  readonly missing: readonly Consent[];
  /** All that it needs. */
  readonly consents: readonly Consent[];
  readonly note?: string;
  readonly run?: string;
  /** Id in the catalogue of failures of what is not as wanted. */
  readonly failure?: string;
  /** Why it could not be looked at (`later`, `blocked`). */
  readonly problem?: Problem;
  /** How long the world may lag behind the change. */
  readonly settles?: Pace;
  /** Blocked only because these are: said once, there. */
  readonly follows?: readonly StepId[];
  /** Said only when there is something to change. */
  readonly quiet?: boolean;
  /** Filled manifest, for `--verbose` and export. */
  readonly preview?: string;
}

export interface Plan {
  readonly changes: readonly Change[];
}

export type Outcome =
  | 'created'
  | 'updated'
  | 'kept'
  | 'removed'
  | 'left'
  | 'blocked'
  | 'failed'
  | 'timed out'
  | 'interrupted'
  | 'not reached';

/** What the step is about is as wanted now. */
export const isWell = (outcome: Outcome): boolean => ['kept', 'created', 'updated'].includes(outcome);

/** How a step ended. */
export interface Result {
  readonly change: Change;
  readonly outcome: Outcome;
  /** By the world's clock. */
  readonly seconds: number;
  readonly tries: number;
  readonly facts: Facts;
  readonly note?: string;
  readonly problem?: Problem;
  readonly run?: string;
  /** `blocked`: consents that were not given. */
  readonly missing?: readonly Consent[];
  /** `not reached`: because of these, which are reported themselves. */
  readonly follows?: readonly StepId[];
}

/** How a check ended. */
export interface Proof {
  readonly id: string;
  readonly workload: string;
  readonly title: string;
  readonly findings: readonly Finding[];
  readonly outcome: 'proven' | 'failed' | 'unknown' | 'timed out' | 'interrupted' | 'not reached';
  readonly seconds: number;
  readonly problem?: Problem;
  /** `not reached`: because of these, which are reported themselves. */
  readonly follows?: readonly StepId[];
}

/** What the engine tells while it works. Reporters decide what becomes of it. */
export type Event =
  | { readonly type: 'observing'; readonly steps: number }
  | {
      readonly type: 'starting';
      readonly plan: Plan;
      /** What each step comes after, by id. */
      readonly after: ReadonlyMap<StepId, readonly StepId[]>;
      readonly at: Date;
    }
  | { readonly type: 'changing'; readonly change: Change; readonly at: Date }
  | {
      readonly type: 'waiting';
      readonly change: Pick<Change, 'id' | 'kind' | 'subject'>;
      readonly reason: string;
      readonly at: Date;
    }
  | { readonly type: 'ended'; readonly result: Result; readonly at: Date }
  | { readonly type: 'proving'; readonly id: string; readonly title: string; readonly at: Date }
  | { readonly type: 'proved'; readonly proof: Proof; readonly at: Date };

export type Tell = (event: Event) => void;
