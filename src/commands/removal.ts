import { Complaints } from '../complaint.ts';
import type { Plan } from '../engine/events.ts';
import { removalPlan, survey } from '../engine/removal-plan.ts';
import { EXIT, type ExitCode, exitOf, exitOfPlan } from '../exit.ts';
import type { Header } from '../report/plan-text.ts';
import { isOn, textOf } from '../spec/answers.ts';
import { SAMPLE_IMAGE } from '../spec/schema.ts';
import type { Step } from '../step.ts';
import type { Spec } from '../workload.ts';
import {
  type Asked,
  contextOf,
  exitUnapplied,
  inPlace,
  lookingAt,
  type Running,
  remaining,
  someoneThere,
  unseen,
} from './running.ts';
import { explainer } from './troubles.ts';

/** The run behind `destroy`. Answers the exit code; what is wrong before there is a reporter is thrown. */
export const destroy = (asked: Asked): Promise<number> => inPlace(asked, removed);

/** Looks at everything, says what goes and what stays, asks once, and removes what serves these workloads alone. */
async function removed(run: Running): Promise<ExitCode> {
  const { answers, io, reporter, surroundings, spec } = run;
  const startedAt = surroundings.clock.now();
  const issuer = textOf(answers, 'issuer');
  const chosen = spec.workloads.map(({ name }) => name);
  const steps = await stepsOf(run);
  const looked = await lookingAt(run, (world) => survey(steps, world, reporter.tell));
  const sights = looked.found;
  const plan = removalPlan(steps, sights, chosen);
  const header: Header = { ...looked.header, removes: true };
  for (const note of notThere(steps, plan)) reporter.note(note);
  if (isOn(answers, 'dry-run')) {
    reporter.plan(plan, header, 'result');
    return exitOfPlan(unseen(plan));
  }
  const again = run.again.replace(/ --yes$/, '');
  if (plan.changes.some(({ action }) => action === 'remove') && !isOn(answers, 'yes')) {
    if (isOn(answers, 'no-input') || !(await someoneThere(io))) {
      reporter.plan(plan, header, 'result');
      reporter.note('Nothing was removed. To do it:', run.again);
      return exitUnapplied(plan);
    }
    reporter.plan(plan, header, 'preview');
    const { confirm } = await import('../prompt.ts');
    const yes = await confirm(io, questionFor(spec, issuer));
    if (yes === undefined || io.signal.aborted) {
      const fix = { say: 'Run the same again:', run: again };
      throw new Complaints([{ message: 'Interrupted. Nothing was removed.', fix }], EXIT.interrupted);
    }
    if (!yes) {
      reporter.note('Nothing was removed.');
      return EXIT.pending;
    }
  } else reporter.plan(plan, header, 'preview');

  const { remove } = await import('../engine/remove.ts');
  const { evidence } = await import('../engine/evidence.ts');
  const options = { tell: reporter.tell, chosen, ...remaining(looked.deadline) };
  const results = await remove(steps, sights, plan, looked.world, options);
  const exit = exitOf(results);
  const explain = await explainer();
  const { label } = surroundings;
  const record = evidence({
    ...{ exit, startedAt, results, proofs: [], simulated: label !== undefined, about: chosen },
    failureOf: (problem) => explain(problem)?.failure,
  });
  const { workloads } = header;
  const at = surroundings.clock.now();
  reporter.removed(
    {
      ...{ exit, results, workloads, at, again, explain },
      ...(label !== undefined && { label }),
      ...(issuer !== undefined && { issuer }),
    },
    record,
  );
  return exit;
}

/** All that may serve the workloads; with `--issuer` nothing but their credentials for it. */
async function stepsOf(run: Running): Promise<readonly Step[]> {
  const whole = wholeOf(run.spec);
  const issuer = textOf(run.answers, 'issuer');
  if (issuer !== undefined) {
    if (!URL.canParse(issuer) || new URL(issuer).protocol !== 'https:')
      throw new Complaints([
        { message: `${run.answers.get('issuer')!.said}: expected the URL of an issuer, with https.` },
      ]);
    const { retire } = await import('../methods/retire.ts');
    return retire(whole, run.surroundings.cloud, issuer);
  }
  const { assemble } = await import('../methods/assemble.ts');
  return assemble(whole, await contextOf(run)).steps;
}

/** What everything else lies in, where it is not there: a name that is mistyped would look like a job that is done. */
const notThere = (steps: readonly Step[], { changes }: Plan): readonly string[] =>
  steps
    .filter(({ id, kind }) => ['cluster', 'vault'].includes(kind) && !changes.some((change) => change.id === id))
    .map(({ kind, subject }) => `There is no ${kind} ${subject}: what was in it is gone with it, if that is its name.`);

/**
 * The whole file, for what is shared with those that stay; and the sample of each, for nobody says a second time that
 * there is one.
 */
const wholeOf = (spec: Spec): Spec => ({
  ...spec,
  workloads: [...spec.workloads, ...(spec.others ?? [])].map((workload) => ({
    ...workload,
    sample: workload.sample ?? { image: SAMPLE_IMAGE },
  })),
});

function questionFor({ workloads }: Spec, issuer: string | undefined): string {
  const [first, ...more] = workloads.map(({ name, namespace }) => `${namespace}/${name}`);
  const whom = `${first}${more.length > 0 ? ` and ${more.length} more` : ''}`;
  const from = issuer === undefined ? '' : ` from clusters with the issuer ${issuer}`;
  return `${whom} will no longer reach ${more.length > 0 ? 'their' : 'its'} secrets${from}. Remove?`;
}
