import { type Command, Option } from 'commander';
import { type Complaint, Complaints } from '../complaint.ts';
import { entryOf } from '../entry.ts';
import { nearest } from '../nearest.ts';
import type { Answer, Answers } from '../spec/answers.ts';
import { variableOf } from '../spec/variable.ts';
import type { Flag } from './flags.ts';

/** Gives the flags to the parser. Their values are judged by `answersOf`, all at once, not one by one here. */
export function addFlags(command: Command, flags: readonly Flag[]): void {
  for (const { flag, short, value, list, help, negatable, group, choices } of flags) {
    const names = `${short ? `-${short}, ` : ''}--${flag}${value === undefined ? '' : ` <${value}>`}`;
    const named =
      choices && value !== choices.join('|') && !help.includes(choices[0]!) ? ` (${choices.join(', ')})` : '';
    const option = new Option(names, help + named).helpGroup(`${group}:`);
    if (list) option.argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text]);
    command.addOption(option);
    if (negatable) command.addOption(new Option(`--no-${flag}`).hideHelp());
  }
}

/**
 * What was said by flags, and else by the environment (`AKS_SECRETS_<FLAG>`).
 * @throws {Complaints} for values outside a flag's choices and switches that are neither true nor false
 */
export function answersOf(command: Command, flags: readonly Flag[], env: NodeJS.ProcessEnv): Answers {
  const complaints: Complaint[] = [];
  const answers = new Map<string, Answer>();
  for (const flag of flags) {
    const answer = fromFlag(command, flag) ?? fromVariable(flag, env, complaints);
    if (!answer) continue;
    const before = complaints.length;
    for (const word of typeof answer.value === 'boolean' ? [] : [answer.value].flat()) {
      const wrong = complaintAbout(word, flag, answer.said);
      if (wrong) complaints.push(wrong);
    }
    if (complaints.length === before) answers.set(flag.flag, answer);
  }
  if (complaints.length > 0) throw new Complaints(complaints);
  return answers;
}

/** The command's own flag or the program's: commander keeps those of the program apart. */
function fromFlag(command: Command, flag: Flag): Answer | undefined {
  const key = keyOf(flag);
  for (let at: Command | null = command; at; at = at.parent) {
    if (at.getOptionValueSource(key) !== 'cli') continue;
    const given = at.getOptionValue(key) as string | boolean | readonly string[];
    const on = flag.flag.startsWith('no-') ? given === false : given;
    return {
      value: flag.commas ? separated([on as never].flat()) : on,
      said: `--${on === false ? 'no-' : ''}${flag.flag}`,
    };
  }
  return undefined;
}

const SWITCH: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };

function fromVariable(flag: Flag, env: NodeJS.ProcessEnv, complaints: Complaint[]): Answer | undefined {
  const said = variableOf(flag.flag);
  const text = env[said];
  if (text === undefined || text === '') return undefined;
  if (flag.list) return { value: separated([text]), said };
  if (flag.value !== undefined) return { value: text, said };
  const on = entryOf(SWITCH, text.toLowerCase());
  if (on !== undefined) return { value: on, said };
  complaints.push({ message: `${said}: expected true, false, 1 or 0.` });
  return undefined;
}

function complaintAbout(word: string, { choices, flag }: Flag, said: string): Complaint | undefined {
  if (word === '') return { message: `${said}: the value is empty.` };
  if (!choices || choices.includes(word)) return undefined;
  const like = nearest(word, choices);
  const shown = flag === 'allow' || flag === 'output' ? ` "${word.slice(0, 40)}" is not known;` : '';
  return {
    message: `${said}:${shown} expected ${choices.length > 1 ? listed(choices) : choices[0]}.${like ? ` Did you mean "${like}"?` : ''}`,
  };
}

const listed = (words: readonly string[]): string => `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;

const separated = (texts: readonly string[]): readonly string[] =>
  texts.flatMap((text) => text.split(',').map((part) => part.trim())).filter((part) => part !== '');

/** As commander keeps it: `--no-color` under `color`. */
const keyOf = ({ flag }: Flag): string =>
  flag.replace(/^no-/, '').replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
