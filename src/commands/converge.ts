import { type Complaint, Complaints } from '../complaint.ts';
import type { Change, Plan } from '../engine/events.ts';
import { EXIT, type ExitCode, exitOf, exitOfPlan } from '../exit.ts';
import { isOn, textOf } from '../spec/answers.ts';
import type { Consent } from '../step.ts';
import { Problem } from '../trouble.ts';
import type { World } from '../world.ts';
import { saved } from './again.ts';
import { CONSENTS } from './flags.ts';
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

/**
 * The one run behind `init` and `plan`: look at everything, plan, ask, apply, prove. Answers the exit code; what is
 * wrong before there is a reporter is thrown.
 */
export async function converge(asked: Asked & { readonly command: 'init' | 'plan' }): Promise<number> {
  const { command, answers, io } = asked;
  return inPlace(asked, async (run) => {
    const { spec, methods, reporter } = run;
    const path = textOf(answers, 'save');
    if (path !== undefined && (await saved(path, spec, methods, answers, io))) reporter.note(`Saved to ${path}.`);
    const exit = await (command === 'plan' || isOn(answers, 'dry-run') ? planned(run) : applied(run));
    return run.asked ? (await import('./wizard/keep.ts')).offerToSave(run, exit) : exit;
  });
}

/** `plan`: its exit code speaks of the plan only when asked to; what could not be looked at is always said. */
async function planned(run: Running): Promise<ExitCode> {
  const { plan, header } = await look(run, run.allow);
  run.reporter.plan(plan, header, 'result');
  if (run.asked) run.reporter.note('To apply it:', run.again);
  return isOn(run.answers, 'exit-code') ? exitUnapplied(plan) : exitOfPlan(unseen(plan));
}

async function applied(run: Running): Promise<ExitCode> {
  const { answers, io, reporter, allow, surroundings, spec } = run;
  const startedAt = surroundings.clock.now();
  const asks = !isOn(answers, 'yes') && !isOn(answers, 'no-input') && (await someoneThere(io));
  // Whoever is asked can consent: the plan then shows what yes would do.
  const looked = await look(run, asks ? new Set(CONSENTS) : allow);
  const { plan, header, world, steps, checks, observations } = looked;
  const open = plan.changes.filter(({ action }) => ['create', 'update', 'later'].includes(action));
  if (asks || isOn(answers, 'yes')) await refuseValues(run, plan, world);
  let consents = allow;
  if (open.length > 0 && !isOn(answers, 'yes')) {
    if (!asks) {
      reporter.plan(plan, header, 'result');
      const { withConsent } = await import('../report/words.ts');
      const missing = plan.changes.flatMap((change) => change.missing);
      reporter.note('Nothing was written. To apply:', withConsent(run.again, missing));
      return exitUnapplied(plan);
    }
    reporter.plan(plan, header, 'preview');
    const { confirm } = await import('../prompt.ts');
    const yes = await confirm(io, questionFor(open), { noColor: isOn(answers, 'no-color') });
    if (yes === undefined || io.signal.aborted)
      throw new Complaints(
        [{ message: 'Interrupted. Nothing was written.', fix: { say: 'Run the same again:', run: run.again } }],
        EXIT.interrupted,
      );
    if (!yes) {
      if (!run.asked) reporter.note('Nothing was written.');
      else {
        const { withConsent } = await import('../report/words.ts');
        const needed = open.flatMap(({ consents }) => consents).filter((one) => !allow.has(one));
        reporter.note('Nothing was written. To apply it after all:', withConsent(run.again, needed));
      }
      return EXIT.pending;
    }
    consents = new Set([...allow, ...open.flatMap((change) => change.consents)]);
  } else if (open.length > 0) reporter.plan(plan, header, 'preview');

  const { apply } = await import('../engine/apply.ts');
  const { evidence } = await import('../engine/evidence.ts');
  const { summaryOf } = await import('./summary.ts');
  const { results, proofs } = await apply(steps, checks, observations, plan, world, {
    tell: reporter.tell,
    consents,
    ...remaining(looked.deadline),
  });
  const exit = exitOf(results, proofs);
  const explain = await explainer();
  const record = evidence({
    ...{ exit, startedAt, results, proofs, simulated: surroundings.label !== undefined },
    failureOf: (problem) => explain(problem)?.failure,
  });
  reporter.result(
    {
      ...{ exit, results, proofs, explain, at: surroundings.clock.now(), again: run.again },
      ...(surroundings.label !== undefined && { label: surroundings.label }),
      workloads: spec.workloads.map((workload) => summaryOf(workload, run.methods, record, results)),
    },
    record,
  );
  const folder = textOf(answers, 'write-manifests');
  if (folder !== undefined && exit === EXIT.done)
    reporter.note(
      `The manifests are in ${folder}, and not applied. Once the cluster has them, aks-secrets verify proves the rest.`,
    );
  return exit;
}

/** A variable that nobody has set is told before anything is changed, not after what cannot be undone. */
async function refuseValues({ spec }: Running, { changes }: Plan, world: World): Promise<void> {
  const { secretId } = await import('../steps/secret.ts');
  const written = new Set(changes.filter(({ action }) => ['create', 'update'].includes(action)).map(({ id }) => id));
  const complaints: Complaint[] = [];
  for (const { vault, secrets } of spec.workloads) {
    for (const secret of secrets) {
      // Of several who share it, one is asked.
      if (!secret.value || !written.delete(secretId(vault, secret))) continue;
      await world.value(secret.value).catch((error: unknown) => {
        if (!(error instanceof Problem)) throw error;
        complaints.push({ message: `${secret.name}: ${error.message} Nothing was written.` });
      });
    }
  }
  if (complaints.length > 0) throw new Complaints(complaints);
}

/** Looks at everything in one wave, and plans. */
async function look(run: Running, consents: ReadonlySet<Consent>) {
  const [{ assemble }, { observe }, { plan: judge }] = await Promise.all([
    import('../methods/assemble.ts'),
    import('../engine/observe.ts'),
    import('../engine/plan.ts'),
  ]);
  const assembled = assemble(run.spec, await contextOf(run));
  const folder = textOf(run.answers, 'write-manifests');
  const { steps, checks } =
    folder === undefined ? assembled : (await import('./write-manifests.ts')).asFiles(assembled, folder, run.io.cwd);
  const looked = await lookingAt(run, (world) => observe(steps, world, run.reporter.tell));
  return { ...looked, steps, checks, observations: looked.found, plan: judge(steps, looked.found, consents, checks) };
}

/** The one question; it names what yes consents to. */
export function questionFor(open: readonly Change[]): string {
  const needed = new Set(open.flatMap(({ consents }) => consents));
  const lasting = open.flatMap(({ differences }) => differences).filter(({ irreversible }) => irreversible).length;
  const says = [
    ...(needed.has('cluster') ? ['changes the whole cluster'] : []),
    ...(needed.has('install') ? ['installs or registers what others may use'] : []),
    ...(needed.has('default-service-account') ? ['lets every pod of the namespace in'] : []),
  ];
  const sentences = [
    ...(says.length > 0 ? [`This ${says.join(' and ')}`] : []),
    ...(lasting > 0 ? [`${lasting === 1 ? 'one change' : `${lasting} changes`} cannot be undone`] : []),
    ...(open.some(({ differences }) => differences.some(({ costs }) => costs)) ? ['some of it costs money'] : []),
  ];
  const text = sentences.join(', and ');
  return text === '' ? 'Apply?' : `${text[0]!.toUpperCase()}${text.slice(1)}. Apply?`;
}
