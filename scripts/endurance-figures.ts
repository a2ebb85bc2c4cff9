import type { Entry, Tried } from '../test/endurance/tally.ts';

/** Of one run of the whole. */
interface Run {
  readonly machine: string;
  /** How long it took. */
  readonly minutes: number;
  /** Every fault at every request of every run. */
  readonly all: boolean;
}

/** The counts as a section of docs/figures.md. */
export function markdownOf(entries: readonly Entry[], { machine, minutes, all }: Run): string {
  const tried = entries.filter((entry): entry is Tried => 'equal' in entry);
  const faults = tried.filter(({ part }) => part === 'faults');
  const met = faults.filter(({ what }) => !what.endsWith(NOT_MET));
  const of = (part: Tried['part']) => tried.filter((entry) => entry.part === part);
  const some = <P extends Entry['part']>(part: P) =>
    entries.filter((entry): entry is Extract<Entry, { part: P }> => entry.part === part);
  const right = (part: 'modes' | 'refusals') => {
    const found = some(part);
    return `${found.filter((entry) => entry.right).length} of ${found.length}`;
  };
  const sum = (which: 'looked' | 'leaks') =>
    [...tried, ...some('secrets')].reduce((total, entry) => total + entry[which], 0);

  return `## Endurance

\`npm run test:endurance${all ? ' -- --all' : ''}\`, ${minutes.toFixed(0)} minutes on ${machine}.

Every disturbed run is followed by one that nothing disturbs. Then **as undisturbed** says in how many cases the world is
that of a run which nothing disturbed; **twice** counts identities, roles, credentials, applications and versions of
secrets that are there more often than they should be; **lost** counts what another team had (tags, labels, annotations,
roles, credentials, properties that no model knows) and is not as it was. **Alone** are the runs that needed no run
again: they ended with 0, and the next one found nothing to do.

${table(
  ['disturbed by', 'runs', 'alone', 'exit codes', 'as undisturbed', 'twice', 'lost'],
  (['faults', 'killed', 'together', 'patience'] as const).map((part) => [
    TITLES[part],
    ...countsOf(part === 'faults' ? met : of(part)),
  ]),
)}

### Faults

${table(
  ['run', 'its requests', 'met by faults', ...HEAD],
  some('requests')
    .toSorted(by(({ run }) => run))
    .map(({ run, all: requests, met: at }) => [
      run,
      String(requests),
      String(at),
      ...countsOf(met.filter((one) => one.run === run)),
    ]),
)}

${all ? 'Every fault comes once, and for good.' : 'Where not every request is met, every nth is. Every fault comes once, and every eleventh also for good; `-- --all` makes all.'} Of the runs, ${faults.length - met.length}
never made the request that was waited for, so that nothing was disturbed; they are not counted.

${table(
  ['fault', ...HEAD],
  groupsOf(met, ({ what }) => what).map(([what, group]) => [what, ...countsOf(group)]),
)}

Runs by fault and by what was run, and how many of them were alone:

${matrixOf(met)}

A fault that passes is outlived by sending the request again, with these exceptions. A 401 in mid-run is the end of the
sign-in (exit 5): tokens are renewed five minutes before they end, so that one that is refused all the same was taken back,
and asking for it again would bring the same one. What has an effect each time (a version of a secret, the registration of
an application) is never sent twice by itself (exit 1). A fault that stays ends with the code of what it is.

### Killed, and two at once

The built program as a process: killed behind a number of its requests in a world that goes on, or at a moment together
with the sandbox that runs in it. The file of \`--save\` is whole or not there.

${table(
  ['run', 'by', ...HEAD],
  groupsOf([...of('killed'), ...of('together')], ({ run, what }) => `${run}|${what}`).map(([key, group]) => [
    ...key.split('|'),
    ...countsOf(group),
  ]),
)}

### Patience

Identities, roles and credentials arrive late, on the sandbox's clock.

${table(
  ['what is late', ...HEAD],
  groupsOf(of('patience'), ({ what }) => what).map(([what, group]) => [what, ...countsOf(group)]),
)}

With 124 they gave the state so far, and the run after that, when all had arrived, finished. While they waited, they said why
(behind the name of the step):

${[...new Set(some('waits').map(({ reason }) => reason))]
  .sort()
  .map((reason) => `- ${reason}`)
  .join('\n')}

### Secrets

Values lie in the vault and are given by variable, file and standard input, in every run above and in ${some('secrets').length} more
(\`plan\`, \`init\`, \`export\`, \`verify\` in every format, \`destroy\`; a vault that refuses, breaks off or says again what it was
sent). Of ${sum('looked')} texts (standard output and error with \`-v\` or as JSON, command lines, addresses of requests,
files), **${sum('leaks')}** held a value or a token. Files with the mode that they need: ${right('modes')}. Ways out of the machine, or
from outside into the sandbox, that were refused: ${right('refusals')}.`;
}

const NOT_MET = ', not met';
const HEAD = ['runs', 'alone', 'exit codes', 'as undisturbed', 'twice', 'lost'];
const TITLES: Readonly<Record<Tried['part'], string>> = {
  faults: 'a fault at one of its requests',
  killed: 'SIGKILL or SIGINT',
  together: 'the same run beside it',
  patience: 'an Azure that is slow',
};

function countsOf(group: readonly Tried[]): string[] {
  const total = (which: 'duplicates' | 'lost') => String(group.reduce((sum, one) => sum + one[which], 0));
  const codes = groupsOf(group, ({ ended }) => String(ended)).toSorted(by(([, same]) => -same.length));
  return [
    String(group.length),
    String(group.filter(({ alone }) => alone).length),
    codes.map(([code, same]) => `${code}${codes.length > 1 ? ` (${same.length})` : ''}`).join(', '),
    String(group.filter(({ equal }) => equal).length),
    total('duplicates'),
    total('lost'),
  ];
}

/** Runs and how many of them were alone, `36 / 36`. */
function matrixOf(all: readonly Tried[]): string {
  const runs = [...new Set(all.map(({ run }) => run))].sort();
  const rows = groupsOf(all, ({ what }) => what).map(([what, group]) => [
    what,
    ...runs.map((run) => {
      const here = group.filter((one) => one.run === run);
      return here.length === 0 ? '' : `${here.length} / ${here.filter(({ alone }) => alone).length}`;
    }),
  ]);
  return table(['fault', ...runs], rows);
}

function groupsOf<T>(all: readonly T[], keyOf: (one: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return [...groups].toSorted(by(([key]) => key));
}

const by =
  <T>(keyOf: (one: T) => string | number) =>
  (a: T, b: T): number =>
    keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
