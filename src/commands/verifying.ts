import { Complaints } from '../complaint.ts';
import { until } from '../engine/patience.ts';
import type { ExitCode } from '../exit.ts';
import type { Assembly, Context } from '../methods/assemble.ts';
import type { Scope } from '../methods/method.ts';
import { isOn, listOf, textOf } from '../spec/answers.ts';
import type { Check, Consent, Step } from '../step.ts';
import type { FailOn } from '../verify/conclude.ts';
import type { Discovered, Target } from '../verify/discover/index.ts';
import type { Making } from '../verify/links.ts';
import type { Row } from '../verify/row.ts';
import type { Chain } from '../verify/run.ts';
import type { Selection } from '../verify/select.ts';
import type { World } from '../world.ts';
import { againLine } from './again.ts';
import { type Asked, contextOf, inPlace, lookingAt, type Running, timeOf } from './running.ts';
import { sayVerified } from './verify-formats.ts';

/** The run behind `verify`. Answers the exit code; what is wrong before there is a reporter is thrown. */
export async function verify(asked: Asked): Promise<number> {
  const { selectionOf } = await import('../verify/select.ts');
  const selection = selectionOf(asked.answers);
  const wait = timeOf(asked.answers, 'wait') ?? 0;
  return inPlace(asked, (run) => verified(run, selection, wait));
}

async function verified(opened: Running, selection: Selection, wait: number): Promise<ExitCode> {
  const found = opened.pointed && (await discovered(opened, opened.pointed));
  const run = found ? { ...opened, spec: found.spec } : opened;
  const { answers, spec, reporter, surroundings, io } = run;
  const [{ assemble }, { exitOfRows }, { unknownIds, select, accountsOf }, { verifyReport }] = await Promise.all([
    import('../methods/assemble.ts'),
    import('../verify/conclude.ts'),
    import('../verify/select.ts'),
    import('../verify/report.ts'),
  ]);
  const context = await contextOf(run);
  const whole = assemble(spec, context);
  const { steps, proofs, examine } = found ? found.filled(whole) : whole;
  const examined = examine(found?.scope ?? scopeOf(run));
  const probing = isOn(answers, 'probe') ? await probesOf(run, context, { steps, proofs, examined }) : undefined;
  const acting = probing?.checks ?? [];
  const chain: Chain = {
    ...{ spec, steps, proofs, acting },
    checks: examined,
    cloud: surroundings.cloud,
    impersonate: !isOn(answers, 'no-impersonate'),
  };
  if (chain.impersonate) announce(run);
  const looked = await lookingAt(run, async (world) => {
    const looks = (what: Chain, view: World, patience: number) => lookUntilWell(run, what, view, selection, patience);
    if (!probing || wait === 0) return looks(chain, world, wait);
    // A pod is started once, when nothing is waited for any more.
    await looks({ ...chain, checks: examined }, world, wait);
    return looks(chain, world.fresh(), 0);
  }).finally(() => probing?.settled());
  const rows = looked.found;
  const complaints = unknownIds(
    selection,
    [...examined, ...acting, ...rows].map(({ id }) => id),
  );
  if (complaints.length > 0) throw new Complaints(complaints);
  const told = select(rows, selection, accountsOf(spec.workloads));
  const exit = exitOfRows(told, listOf(answers, 'fail-on') as FailOn[]);
  const { caller, subscription, tenant } = looked.header;
  const { withConsent } = await import('../report/words.ts');
  const again = againLine('init', run, answers, run.methods).replace(/ --yes$/, '');
  const report = verifyReport(told, {
    exit,
    simulated: surroundings.label !== undefined,
    ...(caller !== undefined && { caller }),
    ...(subscription && { subscription }),
    ...(tenant !== undefined && { tenant }),
    // What runs may have come by other ways than ours: then it is put right where it is.
    ...(!found && { repair: (consents: readonly Consent[]) => withConsent(again, consents) }),
  });
  await sayVerified(report, answers, io, reporter);
  return exit;
}

/** What runs, as a Spec like any other. */
async function discovered(run: Running, target: Target): Promise<Discovered & Pick<Filling, 'filled'>> {
  const { spec, surroundings, methods, answers, reporter } = run;
  const [{ discover }, { withGaps }, { givenIn }] = await Promise.all([
    import('../verify/discover/index.ts'),
    import('../verify/discover/gaps.ts'),
    import('./found.ts'),
  ]);
  const { cloud } = surroundings;
  const { subscription, cluster } = spec;
  const given = givenIn(answers, cluster.resourceGroup);
  const { found } = await lookingAt(run, (world) =>
    discover(target, world, { subscription, cluster, cloud, methods }, given),
  );
  for (const note of found.notes) reporter.note(note);
  return { ...found, filled: (assembly) => withGaps(assembly, found, cloud) };
}

interface Filling {
  /** What was assembled, where something of it could not be found. */
  filled(assembly: Assembly): Assembly;
}

/** The pods that `--probe` starts, once nothing before them is broken. */
async function probesOf(
  { answers, spec, methods, reporter }: Running,
  context: Context,
  chain: { readonly steps: readonly Step[]; readonly proofs: readonly Check[]; readonly examined: readonly Check[] },
) {
  const [{ announcement, probes }, { SAMPLE_IMAGE }] = await Promise.all([
    import('../verify/probe/index.ts'),
    import('../spec/schema.ts'),
  ]);
  const all = spec.workloads.flatMap((workload) => {
    const method = methods.find(({ name }) => name === workload.method);
    const vault = chain.steps.find(({ kind, workloads }) => kind === 'vault' && workloads.includes(workload.name));
    const before = [...chain.proofs, ...chain.examined].filter(
      (check) => check.workload === workload.name && check.category !== 'pod' && check.category !== 'freshness',
    );
    return method && vault ? [{ workload, method, vault, after: before.map(({ id }) => id) }] : [];
  });
  reporter.note(announcement(all.map(({ workload }) => workload)));
  const { cloud, template } = context;
  return probes(all, { cloud, template, image: textOf(answers, 'probe-image') ?? SAMPLE_IMAGE });
}

/** It shows in a log that others read, so nobody shall be surprised by it. */
function announce({ spec, reporter }: Running): void {
  const accounts = [
    ...new Set(
      spec.workloads.map(
        ({ accountNamespace, namespace, serviceAccount }) => `${accountNamespace ?? namespace}/${serviceAccount}`,
      ),
    ),
  ];
  const whom = accounts.length > 3 ? `${accounts.length} service accounts` : accounts.join(', ');
  reporter.note(`Asks Entra for a token as ${whom}: its sign-in log shows that. --no-impersonate leaves it out.`);
}

/** Looks, and with `--wait` again and again at a world of which nothing is remembered, until nothing is left to wait for. */
async function lookUntilWell(
  run: Running,
  chain: Chain,
  world: World,
  selection: Selection,
  wait: number,
): Promise<readonly Row[]> {
  const { reporter, spec } = run;
  const [{ conclude, isPending, firstOf }, { select, accountsOf }] = await Promise.all([
    import('../verify/conclude.ts'),
    import('../verify/select.ts'),
  ]);
  const { clock, signal } = world;
  const end = clock.now().getTime() + wait;
  const subject = spec.workloads.map(({ namespace, name }) => `${namespace}/${name}`).join(', ');
  const change = { id: 'verify', kind: 'verify', subject };
  let rows: readonly Row[] = [];
  let view = world;
  await until(
    clock,
    signal,
    async () => {
      reporter.tell({ type: 'observing', steps: chain.steps.length + chain.checks.length });
      rows = conclude(await lookOnce(run, chain, view));
      view = view.fresh();
      const told = select(rows, selection, accountsOf(spec.workloads));
      if (!told.some(isPending)) return { done: true };
      const first = firstOf(told.filter(isPending));
      const reason = [first?.failure, first?.title, first?.observed].filter(Boolean).join(': ');
      return { wait: { reason, until: end } };
    },
    ({ reason }) => reporter.tell({ type: 'waiting', change, reason, at: clock.now() }),
  );
  return rows;
}

async function lookOnce({ spec }: Running, chain: Chain, world: World): Promise<readonly Row[]> {
  const [{ look }, { explain }, { placesOf }, { rightsRows }] = await Promise.all([
    import('../verify/run.ts'),
    import('../failures/index.ts'),
    import('../verify/places.ts'),
    import('../verify/rights.ts'),
  ]);
  const asker = await world.azure.caller();
  const making: Making = { places: placesOf(spec), explain, asker };
  const [rows, described] = await Promise.all([
    look(chain, world, making),
    world.azure.describe().catch(() => undefined),
  ]);
  const where = { subscription: described?.name ?? spec.subscription, cluster: spec.cluster.name };
  return [...rightsRows(rows, { caller: asker.name, ...where }), ...rows];
}

/** Which pods; a namespace in front of the name must be that of a workload. */
function scopeOf({ answers, spec }: Running): Scope {
  const [, namespace, pod] = /^(?:([^/]+)\/)?([^/]+)$/.exec(textOf(answers, 'pod') ?? '') ?? [];
  const selector = textOf(answers, 'selector');
  if (namespace !== undefined && !spec.workloads.some((workload) => workload.namespace === namespace)) {
    const known = [...new Set(spec.workloads.map((workload) => workload.namespace))].join(', ');
    throw new Complaints([{ message: `--pod: no workload is in the namespace ${namespace} (but in ${known}).` }]);
  }
  return { ...(pod !== undefined && { pod }), ...(selector !== undefined && { selector }) };
}
