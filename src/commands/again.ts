import type { Io } from '../io.ts';
import type { Method } from '../methods/method.ts';
import { type Answers, isOn, listOf, textOf, YOUR_ANSWER } from '../spec/answers.ts';
import { commandLine } from '../spec/line.ts';
import { specToFile } from '../spec/write.ts';
import type { Spec } from '../workload.ts';
import { GLOBAL } from './flags.ts';
import type { Place } from './place.ts';
import { save } from './save.ts';

/** Flags of the run itself: what they said is repeated, whoever made the Spec. */
const OF_THE_RUN = ['cloud', 'tenant', 'kubeconfig', 'context', 'templates', 'write-manifests'] as const;
/** Flags that say nothing about the world and need not be said again. */
const NOT_AGAIN = [
  'file',
  'save',
  'dry-run',
  'exit-code',
  'format',
  'yes',
  'allow',
  'no-input',
  'sandbox',
  ...[
    'wait',
    'only',
    'skip',
    'suppress',
    'fail-on',
    'no-impersonate',
    'pod',
    'selector',
    'manifests',
    'probe',
    'probe-image',
  ],
  ...OF_THE_RUN,
];

/** The same run as one line that needs no answer. */
export function againLine(command: string, place: Place, answers: Answers, methods: readonly Method[]): string {
  const flags: (readonly [string, string | true])[] = [];
  if (isOn(answers, 'sandbox')) flags.push(['sandbox', true]);
  if (place.file !== undefined) {
    for (const [flag, { value, said }] of answers) {
      const ofWorld = !NOT_AGAIN.includes(flag) && !GLOBAL.some((one) => one.flag === flag && flag !== 'subscription');
      if (!ofWorld || !(said.startsWith('--') || said === YOUR_ANSWER)) continue;
      if (value === true) flags.push([flag, true]);
      else if (value === false) flags.push([`no-${flag}`, true]);
      else for (const one of [value].flat()) flags.push([flag, one as string]);
    }
  }
  for (const flag of OF_THE_RUN) {
    const value = textOf(answers, flag);
    if (value !== undefined) flags.push([flag, value]);
  }
  if (place.file === undefined && textOf(answers, 'issuer') !== undefined)
    flags.push(['issuer', textOf(answers, 'issuer')!]);
  if (place.file === undefined)
    for (const flag of ['grant-self', 'keep-grant']) if (isOn(answers, flag)) flags.push([flag, true]);
  const allow = listOf(answers, 'allow');
  if (allow.length > 0) flags.push(['allow', allow.join(',')]);
  flags.push(['yes', true]);
  const around = { command: command === 'plan' ? 'init' : command, flags, usual: place.defaults };
  return commandLine(place.spec, { ...around, ...(place.file !== undefined && { file: place.file }) }, methods);
}

/** `--save`; another file of that name is replaced by `--yes` or by an answer. Whether something was written. */
export function saved(
  path: string,
  spec: Spec,
  methods: readonly Method[],
  answers: Answers,
  io: Io,
): Promise<boolean> {
  return save(path, specToFile(spec, methods), io.cwd, async () => {
    if (isOn(answers, 'yes')) return true;
    const { canAsk, confirm } = await import('../prompt.ts');
    if (isOn(answers, 'no-input') || !canAsk(io)) return false;
    return (
      (await confirm(io, `${path} exists and differs. Replace it?`, { noColor: isOn(answers, 'no-color') })) === true
    );
  });
}
