import { Odd } from '../shape.ts';
import type { Step, StepId } from '../step.ts';
import { Problem } from '../trouble.ts';
import type { World } from '../world.ts';
import type { Tell } from './events.ts';

/** What a step saw, or why it could not look. */
export type Observation = { readonly seen: unknown } | { readonly problem: Problem };
export type Observations = ReadonlyMap<StepId, Observation>;

/** Looks at everything at once: one wave, equal reads shared by the world. Never rejects. */
export async function observe(steps: readonly Step[], world: World, tell?: Tell): Promise<Observations> {
  const different = [...new Set(steps)];
  tell?.({ type: 'observing', steps: different.length });
  const looks = different.map(async (step) => [step.id, await lookAt(step, world)] as const);
  return new Map(await Promise.all(looks));
}

async function lookAt(step: Step, world: World): Promise<Observation> {
  try {
    return { seen: await step.observe(world) };
  } catch (error) {
    return { problem: problemOf(error, `${step.kind} ${step.subject}`) };
  }
}

/** An unexpected exception as a problem like any other: its stack stays in `cause`. */
export function problemOf(error: unknown, resource: string): Problem {
  if (error instanceof Problem) return error;
  return new Problem('broken', resource, sentenceOf(error, resource), { cause: error });
}

/** What the language itself throws is about our reading of what somebody else wrote, and says so to programmers only. */
function sentenceOf(error: unknown, resource: string): string {
  const unread = [TypeError, RangeError, SyntaxError, URIError].some((kind) => error instanceof kind);
  if (error instanceof Odd) return `${resource} says something in a form that is not understood: ${error.message}.`;
  if (unread) return `${resource} says something in a form that is not understood (${(error as Error).name}).`;
  return error instanceof Error ? error.message : String(error);
}
