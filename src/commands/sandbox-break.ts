import { API_VERSION } from '../api-version.ts';
import { Complaints } from '../complaint.ts';
import { nearest } from '../nearest.ts';
import { documentText } from '../report/document.ts';
import { breaks, type CannotBreak, METHODS, notMade } from '../sandbox/break/index.ts';
import { type Answers, isOn, textOf } from '../spec/answers.ts';
import type { CommandModule } from './command.ts';
import { reporterOf } from './reporting.ts';
import { openSandboxOf } from './sandbox.ts';
import { realClock } from './surroundings.ts';

const LIST = { say: 'Those that it can break:', run: 'aks-secrets sandbox break --list' };

export const command: CommandModule = {
  flags: async () => [
    { flag: 'list', group: 'Sandbox', help: 'the failures that it can make' },
    {
      flag: 'workload',
      value: 'NAME',
      group: 'Sandbox',
      help: 'which breaks, as NAME or NAMESPACE/NAME; default: demo',
    },
    { flag: 'method', value: 'METHOD', choices: METHODS, group: 'Sandbox', help: 'how it gets its secrets' },
  ],
  argument: { name: 'failure-id', choices: breaks.map(({ id }) => id) },
  examples: [
    ['What can be broken', 'aks-secrets sandbox break --list'],
    ['A workload to break', 'aks-secrets init --sandbox --method csi --yes'],
    ['The credential names another service account', 'aks-secrets sandbox break F052'],
    ['What verify says of it', 'aks-secrets verify --sandbox'],
    ['As it was', 'aks-secrets sandbox mend'],
  ],
  async run(answers, io, _flags, [word]) {
    const json = textOf(answers, 'output') === 'json';
    if (isOn(answers, 'list')) {
      const failures = breaks.map(({ id, says, methods = METHODS, meets = 'workload' }) => ({
        id,
        says,
        methods,
        meets,
      }));
      if (json) {
        const left = Object.entries(notMade).map(([id, reason]) => ({ id, reason }));
        document(io.stdout, 'SandboxFailures', { failures, notMade: left });
      } else {
        for (const { id, says, methods } of failures) {
          io.stdout.write(`${id}  ${says}${methods.length < METHODS.length ? ` (${methods.join(', ')})` : ''}\n`);
        }
      }
      return 0;
    }
    const id = idOf(word, [...breaks.map((each) => each.id), ...Object.keys(notMade)]);
    const reason = notMade[id];
    if (reason !== undefined) {
      throw new Complaints([{ message: `The sandbox does not break ${id}: ${reason}.`, failure: id, fix: LIST }]);
    }
    const reporter = await reporterOf(answers, io, realClock);
    const sandbox = await openSandboxOf(io, {});
    try {
      const broken = await sandbox.break(id, onOf(answers)).catch((error: unknown) => {
        if ((error as Error)?.name !== 'CannotBreak') throw error;
        throw cannot(`${id} cannot be made`, error as CannotBreak);
      });
      if (json) document(io.stdout, 'SandboxBroken', { simulated: true, ...broken });
      else {
        reporter.note(`${id} is so now in the sandbox: ${broken.says}`);
        reporter.note('As it was: aks-secrets sandbox mend');
      }
      return 0;
    } finally {
      reporter.close();
      await sandbox.close();
    }
  },
};

/** The failure that is meant, in any case. Throws what else may have been. */
function idOf(word: string | undefined, known: readonly string[]): string {
  if (word === undefined) throw new Complaints([{ message: 'Which failure? For example: F052.', fix: LIST }]);
  const id = word.toUpperCase();
  if (known.includes(id)) return id;
  const padded = id.replace(/^F?0*(\d{1,3})$/, (_, number: string) => `F${number.padStart(3, '0')}`);
  const meant = known.includes(padded) ? padded : nearest(id, known);
  throw new Complaints([{ message: `${word}: no such failure${meant ? `; did you mean ${meant}?` : '.'}`, fix: LIST }]);
}

/** `NAME` or `NAMESPACE/NAME`. */
function onOf(answers: Answers) {
  const said = textOf(answers, 'workload');
  const [name, namespace] = said?.split('/').toReversed() ?? [];
  const method = textOf(answers, 'method') as 'csi' | undefined;
  return { ...(name && { workload: name }), ...(namespace && { namespace }), ...(method && { method }) };
}

/** What the world lacks, and the line that gives it that. */
export const cannot = (what: string, { message, run }: CannotBreak): Complaints =>
  new Complaints([{ message: `${what}: ${message}.`, ...(run && { fix: { say: 'Run this first:', run } }) }], 1);

const document = (stdout: { write(text: string): unknown }, kind: string, content: object): void =>
  void stdout.write(documentText({ apiVersion: API_VERSION, kind, ...content }));
