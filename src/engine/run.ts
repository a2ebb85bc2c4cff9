import type { Facts } from '../facts.ts';
import type { Consent, Pace, Step, StepId } from '../step.ts';
import type { World } from '../world.ts';
import type { Tell } from './events.ts';
import type { lanes } from './graph.ts';
import { LAG } from './patience.ts';
import type { Stop } from './stop.ts';

/** What the visits of one apply share. */
export interface Run {
  readonly world: World;
  readonly tell: Tell;
  readonly stop: Stop;
  readonly consents: ReadonlySet<Consent>;
  readonly inLane: ReturnType<typeof lanes>;
  readonly ages: Ages;
  readonly glances: Glances;
  /** Milliseconds since the epoch, by the world's clock. */
  now(): number;
  step(id: StepId): Step | undefined;
  /** All that a step or check builds on, directly or through others. */
  below(id: string): ReadonlySet<StepId>;
  /** What holds of a step that has had its turn; nothing when it did not come to be. */
  standing(id: StepId): Facts | undefined;
}

/** What was changed in this run, and what was changed shortly before, by the dates that the world gives. */
export interface Ages {
  changed(id: StepId): void;
  dated(id: StepId, since: Date | undefined): void;
  anyChanged(ids: Iterable<StepId>): boolean;
  /**
   * Until when (milliseconds since the epoch) the change of one of these may still be on its way. A change of this run
   * is given at least `pace`, that of the one who waits for it.
   */
  youngUntil(ids: Iterable<StepId>, pace?: Pace): number;
}

export function agesBy(now: () => number, paceOf: (id: StepId) => Pace): Ages {
  const changes = new Map<StepId, number>();
  const dates = new Map<StepId, number>();
  return {
    changed: (id) => void changes.set(id, now()),
    dated: (id, since) => void (since && dates.set(id, since.getTime())),
    anyChanged: (ids) => [...ids].some((id) => changes.has(id)),
    youngUntil(ids, pace = 'at once') {
      const ends = [...ids].flatMap((id) => {
        const lag = LAG[paceOf(id)];
        const changed = changes.get(id);
        const dated = dates.get(id);
        return [
          ...(changed === undefined ? [] : [changed + Math.max(lag, LAG[pace])]),
          ...(dated === undefined ? [] : [dated + lag]),
        ];
      });
      return Math.max(Number.NEGATIVE_INFINITY, ...ends);
    },
  };
}

/** Fresh worlds, one for all who look at the same moment: what several steps read then is requested once. */
export interface Glances {
  fresh(): World;
  /** Something was written: what was read before is no longer to be shown to anybody. */
  written(): void;
  anyWritten(): boolean;
}

/** Two looks are of the same moment when they begin within this many milliseconds and nothing was written between. */
const MOMENT = 50;

export function glancesOf(world: World, now: () => number): Glances {
  let writes = 0;
  let last: { readonly world: World; readonly at: number; readonly writes: number } | undefined;
  return {
    fresh() {
      if (last === undefined || last.writes !== writes || now() - last.at >= MOMENT) {
        last = { world: world.fresh(), at: now(), writes };
      }
      return last.world;
    },
    written: () => void writes++,
    anyWritten: () => writes > 0,
  };
}
