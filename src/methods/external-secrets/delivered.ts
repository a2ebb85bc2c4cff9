import type { World } from '../../world.ts';
import type { Wrong } from '../wiring/finding.ts';
import { crewOf, type Member, orHidden, restartOf } from '../wiring/live.ts';
import { namesOf, notReady } from '../wiring/pods.ts';
import { enumerated, record } from '../wiring/shape.ts';
import { clockOf, fieldsWrittenAt, startOf } from '../wiring/times.ts';
import { type Chain, consumersOf, type Question, uncovered } from './look.ts';
import type { ExternalSecret } from './model.ts';
import { refreshWrong } from './rules.ts';
import { targetOf } from './target.ts';
import { secretsIn } from './uses.ts';
import { newestOf } from './vault.ts';

type Answer = readonly Wrong[] | string;

const targetsOf = (chains: readonly Chain[]): ReadonlySet<string> =>
  new Set(chains.map(({ external }) => external.target));

/** The Secrets are there, with the keys that are asked for. Of values nothing is looked at. */
export async function secretWrong(world: World, { workload }: Question, chains: readonly Chain[]): Promise<Answer> {
  const looked = await Promise.all(
    chains.map(async ({ external }) => ({ external, secret: await targetOf(world, external) })),
  );
  const wrong = looked.flatMap(({ external, secret }): readonly Wrong[] => {
    if (secret === 'hidden' || external.creationPolicy === 'None') return [];
    const base = { failure: 'F103', expected: keysOf(external).join(', ') || 'a Secret' };
    if (!secret) return [{ ...base, observed: `there is no Secret ${external.target}`, fix: WRITE }];
    const missing = keysOf(external).filter((key) => !(key in record(secret.data)));
    if (missing.length === 0) return [];
    return [{ ...base, observed: `the Secret ${external.target} has no key ${enumerated(missing)}`, fix: WRITE }];
  });
  if (wrong.length > 0) return wrong;
  const missing = uncovered(workload, chains);
  if (missing.length > 0)
    return [
      {
        observed: `${enumerated(chains.map(({ external }) => external.name))} does not ask for ${enumerated(missing)}`,
        expected: enumerated(workload.secrets.map(({ name }) => name)),
        fix: { say: 'Run init, or add what is missing to the ExternalSecret under data.' },
      },
    ];
  const keys = looked.flatMap(({ external, secret }) =>
    secret && secret !== 'hidden' ? [`${external.target}: ${Object.keys(record(secret.data)).sort().join(', ')}`] : [],
  );
  return keys.length > 0 ? keys.join('; ') : 'by the word of the operator: you may not look at Secrets';
}

const WRITE = {
  say: 'Have the operator write it again: change an annotation of the ExternalSecret, such as force-sync.',
};

/** The keys that it surely writes: a template makes its own. */
const keysOf = ({ wanted, hasTemplate }: ExternalSecret): readonly string[] =>
  hasTemplate ? [] : wanted.flatMap(({ secretKey }) => secretKey ?? []);

/** The pods that take the Secrets have started with them. */
export async function podWrong(world: World, question: Question, chains: readonly Chain[]): Promise<Answer> {
  const { workload, scope } = question;
  const targets = targetsOf(chains);
  const [takers, crew] = await Promise.all([consumersOf(world, question, targets), crewOf(world, workload, scope)]);
  const wrong = await notReady(world, takers);
  if (wrong.length > 0) return wrong;
  const mistaken = await mistakenIn(world, crew.members, targets);
  if (mistaken.length > 0) return mistaken;
  if (takers.length > 0) return `${namesOf(takers)} takes ${enumerated([...targets])}`;
  if (!scope.pod && !scope.selector) return 'no pod uses it yet';
  const asked = crew.members.length > 0 ? namesOf(crew.members) : (scope.pod ?? scope.selector);
  return [{ verdict: 'unknown', observed: `${asked} takes no Secret ${enumerated([...targets])}` }];
}

/** Pods that take a Secret which is not there: they name another one by mistake, or nobody fills it any more. */
async function mistakenIn(
  world: World,
  members: readonly Member[],
  targets: ReadonlySet<string>,
): Promise<readonly Wrong[]> {
  const uses = members.flatMap((member) =>
    secretsIn(member.carrier).flatMap(({ secret, optional }) =>
      optional || targets.has(secret) ? [] : [{ member, secret }],
    ),
  );
  for (const secret of new Set(uses.map((use) => use.secret))) {
    const namespace = members[0]?.pod.metadata.namespace ?? '';
    const found = await orHidden(
      world.kubernetes.get({ apiVersion: 'v1', kind: 'Secret', namespace, name: secret }).then((each) => each ?? null),
    );
    if (found !== null) continue;
    const who = uses.flatMap((use) => (use.secret === secret ? [use.member] : []));
    return [
      {
        failure: 'F103',
        observed: `${namesOf(who)} takes the Secret ${secret}, and there is none`,
        expected: `the Secret ${enumerated([...targets])}`,
        fix: {
          say: `Name ${enumerated([...targets])} in the pods, or have the ExternalSecret write ${secret} (target.name).`,
        },
      },
    ];
  }
  return [];
}

/** A clock's times are whole seconds, and the operator asks in its own time. */
const LEEWAY = 120_000;

/** The Secrets are read anew, and the pods see what is in them. */
export async function freshnessWrong(world: World, question: Question, chains: readonly Chain[]): Promise<Answer> {
  const changed = await Promise.all(chains.map((chain) => newestOf(world, question, chain)));
  const now = world.clock.now().getTime();
  const wrongs: Wrong[] = [];
  for (const [at, { external }] of chains.entries()) {
    const last = changed[at];
    const once = refreshWrong(external);
    const read = Date.parse(String(record(external.object.status).refreshTime ?? ''));
    const isBehind = last !== undefined && Number.isFinite(read) && last.getTime() > read + 1000;
    const since = `the Secret ${external.target} was read at ${clockOf(new Date(read))}, and the vault has a version of ${last ? clockOf(last) : '?'}`;
    if (once) wrongs.push(isBehind ? { ...once, verdict: 'fail', observed: `${once.observed}: ${since}` } : once);
    else if (isBehind && now > read + external.interval + LEEWAY)
      wrongs.push({
        failure: 'F129',
        observed: since,
        expected: `read anew every ${external.interval / 60_000} minutes`,
        fix: {
          say: 'Look at the log of the operator, which is behind; the next line has it read now.',
          run: force(external),
        },
      });
    else if (isBehind)
      wrongs.push({
        ...{ verdict: 'unknown', young: true, observed: since },
        expected: `it is read anew by ${clockOf(new Date(read + external.interval))}`,
        fix: { say: 'Wait for it, or have it read now.', run: force(external) },
      });
  }
  const targets = targetsOf(chains);
  const takers = await consumersOf(world, question, targets);
  const stale = await Promise.all(
    chains.map(async ({ external }, at) => staleIn(takers, external, await targetOf(world, external), changed[at])),
  );
  wrongs.push(...stale.flat());
  if (wrongs.length > 0) return wrongs;
  return takers.length === 0 ? 'no pod uses it yet' : namesOf(takers);
}

const force = ({ name, namespace }: ExternalSecret): string =>
  `kubectl annotate externalsecret ${name} --namespace ${namespace} --overwrite force-sync=1`;

/** Pods that read a Secret at their start, and started before it was last written. */
function staleIn(
  takers: readonly Member[],
  external: ExternalSecret,
  secret: Awaited<ReturnType<typeof targetOf>>,
  changed: Date | undefined,
): readonly Wrong[] {
  if (!secret || secret === 'hidden') return [];
  const written = fieldsWrittenAt(secret, ['data']);
  const old = takers.flatMap((member) => {
    const uses = secretsIn(member.carrier).filter(({ secret: name, as }) => name === external.target && as !== 'files');
    const before = uses.flatMap((use) => {
      const started = startOf(member.pod, use.container);
      return started && started < written ? [{ use, started }] : [];
    });
    return before.length > 0 ? [{ member, ...before[0]! }] : [];
  });
  const [first] = old;
  if (!first) return [];
  // The Secret is written for its labels as well: where no version is newer than the pod, it holds what it held.
  if (changed && changed <= first.started) return [];
  const run = first.member.maker && restartOf(first.member.maker);
  return [
    {
      failure: 'F129',
      verdict: changed ? 'fail' : 'warn',
      observed: `${namesOf(old.map(({ member }) => member))} started at ${clockOf(first.started)} and has ${first.use.as === 'variables' ? 'variables' : 'a subPath'} of the Secret ${external.target}, which was written at ${clockOf(written)}`,
      expected: 'pods that started after it',
      fix: {
        say: 'Restart the pods: variables and a subPath are read at the start alone. Reloader can do it (--reloader).',
        ...(run && { run }),
      },
    },
  ];
}
