import { API_VERSION } from '../api-version.ts';
import { Complaints } from '../complaint.ts';
import type { Change } from '../engine/events.ts';
import { EXIT, exitOfPlan } from '../exit.ts';
import { documentText } from '../report/document.ts';
import { textOf } from '../spec/answers.ts';
import type { CommandModule } from './command.ts';
import { CONSENTS, type Flag } from './flags.ts';
import { convergeFlags } from './init.ts';
import { contextOf, inPlace, lookingAt, type Running } from './running.ts';
import { complaintOf } from './troubles.ts';

const FORMATS = ['manifests', 'script'] as const;

const FORMAT: Flag = {
  flag: 'format',
  value: FORMATS.join('|'),
  choices: FORMATS,
  group: 'Output',
  help: 'the filled manifests (default), or a bash script of az and kubectl lines',
};

/** What only a run that writes can keep: a right for the caller that is taken back, and files. */
const NOT_HERE = ['grant-self', 'keep-grant', 'save', 'write-manifests', 'rebind'];

export const command: CommandModule = {
  flags: async () => [FORMAT, ...(await convergeFlags()).filter(({ flag }) => !NOT_HERE.includes(flag))],
  examples: [
    [
      'The filled manifests, for whoever applies them himself',
      'aks-secrets export -f aks-secrets.yaml > manifests.yaml',
    ],
    ['One workload of a file of many', 'aks-secrets export -f aks-secrets.yaml --workload orders'],
    ['All of it as a bash script', 'aks-secrets export -f aks-secrets.yaml --format script > setup.sh'],
    ['On a simulated Azure', 'aks-secrets export --sandbox --method csi --format script'],
  ],
  run: (answers, io, flags) =>
    inPlace({ command: 'export', answers, flags, io }, async (run) => {
      const isScript = textOf(answers, 'format') === 'script';
      const text = isScript ? await scriptOf(run) : await manifestsOf(run);
      const json = textOf(answers, 'output') === 'json';
      const format = isScript ? 'script' : 'manifests';
      const document = { apiVersion: API_VERSION, kind: 'Export', format, text };
      io.stdout.write(json ? documentText(document) : text);
      return EXIT.done;
    }),
};

async function look(run: Running) {
  const [{ assemble }, { observe }, { plan }] = await Promise.all([
    import('../methods/assemble.ts'),
    import('../engine/observe.ts'),
    import('../engine/plan.ts'),
  ]);
  const { steps, checks } = assemble(run.spec, await contextOf(run));
  const { found } = await lookingAt(run, (world) => observe(steps, world, run.reporter.tell));
  // Whoever runs it consents by running it: what reaches further is said in it.
  const { changes } = plan(steps, found, CONSENTS);
  return { steps, checks, observations: found, changes };
}

async function scriptOf(run: Running): Promise<string> {
  const looked = await look(run);
  // What could not be looked at now would be written as if it were not there.
  const isUnseen = ({ action, problem }: Change): boolean => action === 'later' && problem?.trouble === 'busy';
  const blocked = looked.changes.filter(
    (change) => (change.action === 'blocked' && !change.follows) || isUnseen(change),
  );
  if (blocked.length > 0) throw await stopped(blocked);
  refuseNames(run);
  const { script } = await import('../export/script.ts');
  return script(
    { ...looked, spec: run.spec },
    {
      cloud: run.surroundings.cloud,
      subscription: run.spec.subscription,
      made: madeBy(run.again),
      workloads: run.spec.workloads.map(({ namespace, name }) => `${namespace}/${name}`),
    },
  );
}

/** A manifest with a hole would be applied: what is not known is named, with what to run, and nothing is written. */
async function manifestsOf(run: Running): Promise<string> {
  const { steps, observations, changes } = await look(run);
  const { manifests, streamOf, described } = await import('../export/manifests.ts');
  const { filled, lacking } = manifests(steps, observations);
  if (lacking.length === 0) return streamOf(filled);
  const makers = new Set(lacking.map(({ step }) => step));
  const makersBlocked = changes.filter(({ id, action, follows }) => makers.has(id) && action === 'blocked' && !follows);
  if (makersBlocked.length > 0) throw await stopped(makersBlocked);
  const nameOf = (id: string): string => {
    const change = changes.find((one) => one.id === id);
    return change ? `${change.kind} ${change.subject}` : id;
  };
  const words = lacking.map((one) => `of ${nameOf(one.step)} the ${described(one)}`);
  const message = `The manifests need what does not exist yet: ${words.join('; ')}. Nothing was written.`;
  const make = run.again.replace(/^aks-secrets \S+/, 'aks-secrets init');
  const fix = {
    say: 'This makes it, and writes the manifests without applying them (or take --format script):',
    run: make.replace(/ --yes$/, ' --write-manifests manifests --yes'),
  };
  throw new Complaints([{ message, fix }], EXIT.pending);
}

/** Why the world cannot be reached from here. */
async function stopped(blocked: readonly Change[]): Promise<Complaints> {
  const complaints = blocked.map(async (change) => {
    const resource = `${change.kind} ${change.subject}`;
    if (change.problem) return complaintOf(change.problem);
    const fix = change.run === undefined ? {} : { fix: { say: 'Next:', run: change.run } };
    return { resource, message: `${change.note ?? 'It cannot be changed'}.`, ...fix };
  });
  return new Complaints(await Promise.all(complaints), exitOfPlan(blocked));
}

/** Names of variables that bash cannot say. */
function refuseNames({ spec }: Running): void {
  const complaints = spec.workloads
    .flatMap(({ secrets }) => secrets)
    .flatMap(({ name, value }) =>
      value && 'env' in value && !/^[A-Za-z_]\w*$/.test(value.env)
        ? [{ message: `The value of ${name} comes from a variable that bash cannot name: ${value.env}.` }]
        : [],
    );
  if (complaints.length > 0) throw new Complaints(complaints);
}

/** The same line again, which asks nothing and writes nothing. */
const madeBy = (again: string): string => `${again.replace(/ --yes$/, '')} --format script`;
